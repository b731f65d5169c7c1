// Exports the symbol of another plugin ABI, or none at all.
#if defined(WRONG_NEWER)
extern "C" __attribute__((visibility("default"))) const int penstock_plugin_v2;
extern "C" const int penstock_plugin_v2 = 2;
#else
extern "C" __attribute__((visibility("default"))) const int something_else;
extern "C" const int something_else = 1;
#endif
