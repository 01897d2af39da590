package features_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/bpf2lskel/bpf2lskel/runtime/features"
)

// A missing feature is named in the error. Any other reason why a question cannot be answered is a
// different error.
func ExampleSupports() {
	switch err := features.Supports(features.TCX); {
	case err == nil:
		fmt.Println("attach by TCX")
	case errors.Is(err, errors.ErrUnsupported):
		fmt.Println("attach by clsact:", err) // BPF_TCX_INGRESS needs Linux 6.6, this is 6.1.0
	default:
		log.Fatal(err) // not allowed to ask
	}
}
