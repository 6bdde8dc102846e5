# Language level, warnings, sanitizers, and what keeps the build fast: ccache, mold, one precompiled header.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# At -O3, g++ 12 warns of overflows inside of std::string that are none (GCC bug 105329), and nothing here gets faster.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Without this sloppiness, ccache refuses every file that uses a precompiled header. The other two make clones of
  # the project in different folders share what they compiled.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

add_library(quicksilver_options INTERFACE)
target_include_directories(quicksilver_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(quicksilver_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
if(QUICKSILVER_SANITIZE)
  # Reports need lines and no more; with all that a debugger knows, compiling takes a sixth longer. The collector of the
  # compiler may take more memory before it cleans up, for the same reason.
  target_compile_options(quicksilver_options INTERFACE -fsanitize=${QUICKSILVER_SANITIZE} -fno-omit-frame-pointer -g1
                         $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-expand=1000 --param=ggc-min-heapsize=2000000>)
  target_link_options(quicksilver_options INTERFACE -fsanitize=${QUICKSILVER_SANITIZE})
  if(QUICKSILVER_SANITIZE MATCHES "undefined")
    target_compile_options(quicksilver_options INTERFACE -fno-sanitize-recover=undefined)
  endif()
  if(QUICKSILVER_SANITIZE MATCHES "thread")
    # Asio uses atomic_thread_fence, which the thread sanitizer does not model.
    target_compile_options(quicksilver_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
endif()

add_library(quicksilver_warnings INTERFACE)
set(warnings
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
    -Wold-style-cast -Wcast-align -Wformat=2 -Wduplicated-cond -Wlogical-op -Wuseless-cast -Wsuggest-override)
if(QUICKSILVER_WERROR)
  list(APPEND warnings -Werror)
endif()
target_compile_options(quicksilver_warnings INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${warnings}>")
