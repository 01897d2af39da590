// Package plural formats counts for messages.
package plural

import "strconv"

// Of returns "1 map" or "2 maps".
func Of(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
