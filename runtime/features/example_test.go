package features_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/bpf2lskel/bpf2lskel/runtime/features"
)

// What is missing is named, and anything else that keeps a question from being answered is another
// error.
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
