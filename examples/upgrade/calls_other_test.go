//go:build !amd64

package main

var oldCalls []uint32
