/* The same as clang 22 writes it.
 *
 * cc: clang-22
 * run: use retval=0 got=1
 */
#include "btf_kinds.h"
