# Included by CMake while pip builds llama-cpp-python (see README, "Set up"): leaves out llama.cpp's "common" library,
# which the binding never loads, by the only way round the option that the binding forces on.
set(LLAMA_BUILD_COMMON OFF)
