# quicksilver_layer(NAME SOURCES … BELOW … LIBRARIES …): one layer of docs/architecture.md as one static library.
# BELOW names the layers that it may include; what is not named there does not link.

function(quicksilver_layer name)
  cmake_parse_arguments(LAYER "" "" "SOURCES;BELOW;LIBRARIES" ${ARGN})
  set(target quicksilver_${name})
  add_library(${target} STATIC ${LAYER_SOURCES})
  list(TRANSFORM LAYER_BELOW PREPEND quicksilver_)
  target_link_libraries(${target}
    PUBLIC quicksilver_options quicksilver_boost fmt::fmt nlohmann_json::nlohmann_json ${LAYER_BELOW}
    PRIVATE quicksilver_warnings ${LAYER_LIBRARIES})
  target_precompile_headers(${target} REUSE_FROM quicksilver_precompiled)
endfunction()
