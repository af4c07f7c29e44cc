/* Standard input and output of the computer that emulates this processor, by ARM's semihosting. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>

void host_open(void);
/* All of it; false at the end of the input. */
bool host_read(void *bytes, size_t count);
void host_write(const void *bytes, size_t count);
_Noreturn void host_exit(int status);

#endif
