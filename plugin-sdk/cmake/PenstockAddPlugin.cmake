# penstock_add_plugin(NAME SOURCES ... [LINKS ...] [OUTPUT_DIRECTORY dir] [NO_INSTALL]): the shared object NAME.so that a
# worker loads from its plugin.path. Hidden visibility and a version script leave one exported symbol, penstock_plugin_v1.
# Inside Penstock's repository it goes to build/<preset>/plugins, elsewhere to the project's build folder.
include_guard(GLOBAL)

function(penstock_add_plugin name)
  cmake_parse_arguments(ARG "NO_INSTALL" "OUTPUT_DIRECTORY" "SOURCES;LINKS" ${ARGN})
  if(NOT ARG_SOURCES)
    message(FATAL_ERROR "penstock_add_plugin(${name}): SOURCES is empty")
  endif()
  set(target penstock_plugin_${name})
  set(map "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/penstock_plugin.map")
  add_library(${target} MODULE ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    LINK_DEPENDS "${map}")
  if(NOT ARG_OUTPUT_DIRECTORY AND PENSTOCK_PLUGIN_DIRECTORY)
    set(ARG_OUTPUT_DIRECTORY ${PENSTOCK_PLUGIN_DIRECTORY})
  endif()
  if(ARG_OUTPUT_DIRECTORY)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${ARG_OUTPUT_DIRECTORY})
  endif()
  target_link_options(${target} PRIVATE "LINKER:--version-script=${map}" "LINKER:--exclude-libs,ALL")
  if(TARGET penstock_warnings)
    target_link_libraries(${target} PRIVATE penstock_warnings)
  endif()
  if(TARGET penstock::plugin_sdk)
    target_link_libraries(${target} PRIVATE ${ARG_LINKS} penstock::plugin_sdk)
  else()
    target_link_libraries(${target} PRIVATE ${ARG_LINKS} penstock::sdk)
  endif()
  if(NOT ARG_NO_INSTALL)
    include(GNUInstallDirs)
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/penstock/plugins)
  endif()
endfunction()
