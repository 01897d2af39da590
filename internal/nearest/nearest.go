// Package nearest finds the closest match for a misspelled name.
package nearest

// Name returns the one of names that is most like name: at most two letters are wrong, missing,
// too many or swapped with the next one, and no more than a third of them. It returns "" if
// there is none.
func Name(name string, names []string) string {
	best, least := "", min(2, max(1, len(name)/3))+1
	for _, n := range names {
		if d := distance(name, n, least); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is the number of edits that make b of a (optimal string alignment), or limit if it is no
// less.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return min(row[len(b)], limit)
}
