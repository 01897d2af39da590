/* The same, compiled by clang 22.
 *
 * cc: clang-22
 * run: use retval=0 got=1
 */
#include "btf_kinds.h"
