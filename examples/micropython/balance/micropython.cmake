# cmake -DUSER_C_MODULES=path/to/examples/micropython/balance/micropython.cmake -DBALANCE_RUST_TARGET=thumbv6m-none-eabi
add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../../c ${CMAKE_CURRENT_BINARY_DIR}/balance)
add_library(usermod_balance INTERFACE)
target_sources(usermod_balance INTERFACE ${CMAKE_CURRENT_LIST_DIR}/modbalance.c)
target_link_libraries(usermod_balance INTERFACE balance)
target_link_libraries(usermod INTERFACE usermod_balance)
