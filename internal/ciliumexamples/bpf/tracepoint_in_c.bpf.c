/* Counts allocations of pages. */
#include "example.h"

COUNTER(counting_map, BPF_MAP_TYPE_ARRAY);

SEC("tracepoint/kmem/mm_page_alloc")
int mm_page_alloc(void *ctx)
{
	count_in(&counting_map);
	return 0;
}
