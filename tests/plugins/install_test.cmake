# cmake -DBUILD=... -DSOURCE=... -DRUNNER=... -DCXX=... -P install_test.cmake
# Installs the SDK into a temporary prefix, builds the example plugins and the template against it, compares what they
# export, runs the installed harness, and runs the example plugins as loaded by the loader.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGV}\n${output}")
  endif()
endfunction()

set(folder ${BUILD}/tests/installed_sdk)
file(REMOVE_RECURSE ${folder})
foreach(part plugin-sdk plugin-sdk/testing)
  run(${CMAKE_COMMAND} -DCMAKE_INSTALL_PREFIX=${folder}/prefix -P ${BUILD}/${part}/cmake_install.cmake)
endforeach()

foreach(project examples/plugins/ticker examples/plugins/counter plugin-sdk/template tests/plugins/installed)
  string(REPLACE "/" "_" name ${project})
  file(COPY ${SOURCE}/${project}/ DESTINATION ${folder}/src/${name})  # nothing beside it can be included by accident
  run(${CMAKE_COMMAND} -S ${folder}/src/${name} -B ${folder}/build/${name} -G Ninja -DCMAKE_PREFIX_PATH=${folder}/prefix
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=${FLAGS}" -DEXAMPLES=${SOURCE}/examples/plugins
    "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}")
  run(${CMAKE_COMMAND} --build ${folder}/build/${name} -j 2)
endforeach()

foreach(plugin examples_plugins_ticker/ticker.so examples_plugins_counter/counter.so plugin-sdk_template/my_plugin.so)
  execute_process(COMMAND nm -D --defined-only --format=just-symbols ${folder}/build/${plugin}
    OUTPUT_VARIABLE symbols OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT symbols STREQUAL "penstock_plugin_v1")
    message(FATAL_ERROR "${plugin} exports '${symbols}', not exactly penstock_plugin_v1")
  endif()
endforeach()

run(${folder}/build/tests_plugins_installed/installed_sdk_test)
run(${RUNNER} ${folder}/build/examples_plugins_ticker/ticker.so ${folder}/build/examples_plugins_counter/counter.so ${folder}/counts)
file(REMOVE_RECURSE ${folder})
