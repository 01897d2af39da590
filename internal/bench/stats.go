package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// median returns NaN for no numbers.
func median(v []float64) float64 { return quantile(v, 0.5) }

// quantile interpolates linearly between the two nearest values.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Clone(v)
	slices.Sort(v)
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 >= len(v) {
		return v[i]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}

// interval is an estimate with its 95 % confidence interval.
type interval struct{ Value, Low, High float64 }

// resamples is the number of draws of a bootstrap.
const resamples = 1000

// ratio returns the median of the pairwise ratios of a and b, with an interval from a percentile
// bootstrap over the pairs.
func ratio(a, b []float64) interval {
	r := pairwise(a, b)
	return bootstrap(func(draw func([]float64) []float64) float64 { return median(draw(r)) }, median(r))
}

func pairwise(a, b []float64) []float64 {
	r := make([]float64, min(len(a), len(b)))
	for i := range r {
		r[i] = a[i] / b[i]
	}
	return r
}

// geometricMean returns the geometric mean of the medians of several sets of ratios. Its interval
// comes from resampling within each set: it reflects how well each was measured, not which sets
// there are.
func geometricMean(sets [][]float64) interval {
	mean := func(draw func([]float64) []float64) float64 {
		sum := 0.0
		for _, s := range sets {
			sum += math.Log(median(draw(s)))
		}
		return math.Exp(sum / float64(len(sets)))
	}
	return bootstrap(mean, mean(func(v []float64) []float64 { return v }))
}

func bootstrap(f func(draw func([]float64) []float64) float64, value float64) interval {
	r := rand.New(rand.NewPCG(3, 4))
	draw := func(v []float64) []float64 {
		out := make([]float64, len(v))
		for i := range out {
			out[i] = v[r.IntN(len(v))]
		}
		return out
	}
	estimates := make([]float64, resamples)
	for i := range estimates {
		estimates[i] = f(draw)
	}
	return interval{value, quantile(estimates, 0.025), quantile(estimates, 0.975)}
}

// exponent fits y = c * x^e and returns e, the slope of a line through the logarithms.
func exponent(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	n := float64(len(x))
	for i := range x {
		lx, ly := math.Log(x[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+lx, sy+ly, sxx+lx*lx, sxy+lx*ly
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// of returns one figure of each sample.
func of(s []sample, figure func(sample) float64) []float64 {
	out := make([]float64, len(s))
	for i := range s {
		out[i] = figure(s[i])
	}
	return out
}

func wall(s sample) float64   { return s.Wall }
func cpu(s sample) float64    { return s.CPU }
func faults(s sample) float64 { return s.Faults }
func peak(s sample) float64   { return s.Peak }
