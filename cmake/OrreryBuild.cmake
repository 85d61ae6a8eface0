# SPDX-License-Identifier: Apache-2.0
# One library a room, one set of warnings, distribution packages only.
include(CheckLinkerFlag)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# The first build on a bare machine is part of the first result, so it has to be short.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

option(ORRERY_WERROR "Warnings are errors" OFF)
option(ORRERY_DEBUG_CHECKS "Checks that cost more than the work they guard" OFF)
set(ORRERY_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
# yaml-cpp 0.8 has the name with the colons, 0.7 only the one without.
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
# Debian's libzstd-dev brings no CMake package.
find_library(ORRERY_ZSTD_LIBRARY zstd REQUIRED)
add_library(zstd INTERFACE)
target_link_libraries(zstd INTERFACE ${ORRERY_ZSTD_LIBRARY})

# Both are used where they are there, and missed nowhere else than on the clock.
find_program(ORRERY_CCACHE ccache)
if(ORRERY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ORRERY_CCACHE})
endif()
check_linker_flag(CXX -fuse-ld=mold ORRERY_LINKS_WITH_MOLD)

add_library(orrery_warnings INTERFACE)
target_compile_options(orrery_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                                 # GCC 12 sees overlaps in std::string that are not there (PR 105651).
                                                 $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                                                 $<$<BOOL:${ORRERY_WERROR}>:-Werror>)

# Facts must not depend on how a compiler contracts floating point.
add_library(orrery_flags INTERFACE)
target_compile_options(orrery_flags INTERFACE -ffp-contract=off)
target_compile_definitions(orrery_flags INTERFACE $<$<BOOL:${ORRERY_DEBUG_CHECKS}>:ORRERY_DEBUG_CHECKS>)
target_include_directories(orrery_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(ORRERY_SANITIZE)
  target_compile_options(orrery_flags INTERFACE -fsanitize=${ORRERY_SANITIZE} -fno-omit-frame-pointer
                                                -fno-sanitize-recover=all)
  target_link_options(orrery_flags INTERFACE -fsanitize=${ORRERY_SANITIZE})
endif()
if(ORRERY_LINKS_WITH_MOLD)
  target_link_options(orrery_flags INTERFACE -fuse-ld=mold)
endif()

# orrery_room(sim/kv SEES core USES fmt::fmt): the library orrery_kv of all sources in that folder.
# A folder without sources yet is skipped, so that a room appears with its first file.
function(orrery_room folder)
  cmake_parse_arguments(ROOM "" "" "SEES;USES" ${ARGN})
  get_filename_component(name ${folder} NAME)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_library(orrery_${name} STATIC ${sources})
  foreach(room ${ROOM_SEES})
    if(TARGET orrery_${room})
      target_link_libraries(orrery_${name} PUBLIC orrery_${room})
    endif()
  endforeach()
  target_link_libraries(orrery_${name} PUBLIC orrery_flags PRIVATE orrery_warnings ${ROOM_USES})
endfunction()
