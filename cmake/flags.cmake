# One set of flags for everything; style.md names them.
add_library(suan_flags INTERFACE)
target_compile_definitions(suan_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE
  SUAN_VERSION="${PROJECT_VERSION}")
target_include_directories(suan_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(suan_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wformat=2
  -Wswitch-enum -Wcast-qual -Wwrite-strings -Wnull-dereference -Wpointer-arith
  -fno-common -fstack-protector-strong)
if(SUAN_WERROR)
  target_compile_options(suan_flags INTERFACE -Werror)
endif()
if(SUAN_AUDIT)
  target_compile_definitions(suan_flags INTERFACE SUAN_AUDIT=1)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(suan_flags INTERFACE -D_FORTIFY_SOURCE=2)
endif()
if(SUAN_SANITIZE)
  target_compile_options(suan_flags INTERFACE -fsanitize=${SUAN_SANITIZE}
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(suan_flags INTERFACE -fsanitize=${SUAN_SANITIZE})
endif()
# Hundreds of tests are linked; gold does that in half the time of bfd.
include(CheckLinkerFlag)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SUAN_FUZZ)
  check_linker_flag(C -fuse-ld=gold SUAN_HAVE_GOLD)
  if(SUAN_HAVE_GOLD)
    target_link_options(suan_flags INTERFACE -fuse-ld=gold)
  endif()
endif()
if(SUAN_FUZZ)
  target_compile_options(suan_flags INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer)
  target_link_options(suan_flags INTERFACE -fsanitize=address,undefined)
endif()

# suan_runs_much(TARGET): tests spend their time in it. Under a sanitizer it is
# optimised a little, which halves that time and hides nothing.
function(suan_runs_much target)
  if(SUAN_SANITIZE)
    target_compile_options(${target} PRIVATE -O1)
  endif()
endfunction()

# suan_library(NAME LINKS...): a folder's library, every .c beside its list.
# CONFIGURE_DEPENDS: a new page joins its room without an edit here.
function(suan_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c
    ${CMAKE_CURRENT_SOURCE_DIR}/*/*.c)
  if(NOT sources)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC suan_flags ${ARGN})
endfunction()
