# SPDX-License-Identifier: Apache-2.0
# The kernels' program is the only user of CUDA; `orrery` never links it. AUTO builds it where a
# CUDA compiler is found, ON requires one, OFF does not look.
set(ORRERY_CUDA AUTO CACHE STRING "Build the CUDA microkernels: AUTO, ON or OFF")
set_property(CACHE ORRERY_CUDA PROPERTY STRINGS AUTO ON OFF)
if(NOT ORRERY_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "ORRERY_CUDA is ${ORRERY_CUDA}; known: AUTO, ON, OFF")
endif()
set(ORRERY_CUDA_ARCHITECTURES 90 CACHE STRING "GPU architectures to compile the kernels for")

# enable_language() has to be called where the whole project sees it, so this is a macro.
macro(orrery_enable_cuda)
  # CMake finds nvcc only through PATH or CUDACXX; the toolkit's own folder is usually on neither.
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX} AND EXISTS /usr/local/cuda/bin/nvcc)
    set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
  endif()
  set(CMAKE_CUDA_ARCHITECTURES ${ORRERY_CUDA_ARCHITECTURES})
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    # CMake before 3.25.2 does not know that nvcc speaks C++20, which CUDA targets inherit from C++.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    endif()
  elseif(ORRERY_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ORRERY_CUDA=ON, but no CUDA compiler was found: put nvcc on PATH, set "
                        "CUDACXX, or configure with ORRERY_CUDA=OFF")
  endif()
endmacro()

set(orrery_has_kernels FALSE)
if(EXISTS ${CMAKE_SOURCE_DIR}/kernels/CMakeLists.txt)
  set(orrery_has_kernels TRUE)
endif()
if(ORRERY_CUDA STREQUAL "ON" OR (ORRERY_CUDA STREQUAL "AUTO" AND orrery_has_kernels))
  orrery_enable_cuda()
endif()
if(ORRERY_CUDA STREQUAL "ON" AND NOT orrery_has_kernels)
  message(STATUS "CUDA ${CMAKE_CUDA_COMPILER_VERSION} works (${CMAKE_CUDA_COMPILER}), but this tree "
                 "has no CUDA sources yet: there is no kernels/CMakeLists.txt, so CUDA builds nothing")
elseif(orrery_has_kernels AND CMAKE_CUDA_COMPILER)
  add_subdirectory(kernels)
elseif(orrery_has_kernels AND ORRERY_CUDA STREQUAL "AUTO")
  message(STATUS "No CUDA compiler: kernels/ is not built (orrery itself needs none)")
endif()
