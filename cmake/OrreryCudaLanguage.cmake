# SPDX-License-Identifier: Apache-2.0
# Turns CUDA on where its compiler is found; kernels/ as a project of its own does the same.
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
    if(ORRERY_CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
      set(CMAKE_CUDA_COMPILER_LAUNCHER ${ORRERY_CCACHE})
    endif()
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
