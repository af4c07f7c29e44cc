# make USER_C_MODULES=path/to/examples/micropython BALANCE_LIBRARY=path/to/libbalance.a
BALANCE_MODULE := $(USERMOD_DIR)
BALANCE_LIBRARY ?= $(BALANCE_MODULE)/../../c/target/release/libbalance.a
SRC_USERMOD += $(BALANCE_MODULE)/modbalance.c
CFLAGS_USERMOD += -I$(BALANCE_MODULE)/../../c/include
LDFLAGS_USERMOD += $(BALANCE_LIBRARY)
