/* A struct that no kernel has. */
#include "congestion.h"

struct warp_drive_ops {
	REQUIRED_MEMBERS;
};

SEC(".struct_ops")
struct warp_drive_ops drive = { REQUIRED };
