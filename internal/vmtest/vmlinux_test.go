package main

import (
	"encoding/binary"
	"testing"
)

func TestBzImagePayload(t *testing.T) {
	image := make([]byte, 4096)
	image[0x1f1] = 2 // sectors of set-up code, so the protected-mode code is at 3*512
	copy(image[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(image[0x206:], 0x20f)
	binary.LittleEndian.PutUint32(image[0x248:], 100)
	binary.LittleEndian.PutUint32(image[0x24c:], 11)
	copy(image[3*512+100:], "payload\x01\x02\x03\x04")
	got, err := bzImagePayload(image)
	if err != nil || string(got) != "payload" {
		t.Errorf("payload %q, %v", got, err)
	}

	binary.LittleEndian.PutUint32(image[0x24c:], 1<<31)
	if _, err := bzImagePayload(image); err == nil {
		t.Error("no error for a payload that ends outside of the image")
	}
	for _, short := range [][]byte{nil, image[:0x24c], make([]byte, 4096)} {
		if _, err := bzImagePayload(short); err == nil {
			t.Errorf("no error for %d bytes that are not a bzImage", len(short))
		}
	}
}
