/* SPDX-License-Identifier: MIT
 *
 * What every test object begins with. Programs leave what a test should check in global variables; the
 * "run:" lines of an object's head comment say which values those must have (see internal/testobj, Runs).
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#define LICENSE(text) char _license[] SEC("license") = text
