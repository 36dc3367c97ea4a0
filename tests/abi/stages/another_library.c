/* What broken.c needs and does not find at run time. */
void function_of_another_library(void);
void function_of_another_library(void) {}
