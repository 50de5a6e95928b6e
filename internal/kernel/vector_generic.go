package kernel

import "math"

var negInf = float32(math.Inf(-1))

var vectorGeneric = vectorFuncs{
	sum:         sumGeneric,
	sumSquares:  sumSquaresGeneric,
	dot:         dotGeneric,
	max:         maxGeneric,
	add:         addGeneric,
	sub:         subGeneric,
	mul:         mulGeneric,
	mulAdd:      mulAddGeneric,
	axpy:        axpyGeneric,
	scale:       scaleGeneric,
	standardise: standardiseGeneric,
	softmaxGrad: softmaxGradGeneric,
	rotate:      rotateGeneric,
	normalise:   normaliseGeneric,
	normSums:    normSumsGeneric,
	normGrad:    normGradGeneric,
}

// fold4 is the order in which four partial sums become one.
func fold4(s [4]float32) float32 { return (s[0] + s[2]) + (s[1] + s[3]) }

func sumGeneric(n int, x *float32) float32 {
	var s [4]float32
	for i, v := range slice(x, n) {
		s[i%4] += v
	}
	return fold4(s)
}

func sumSquaresGeneric(n int, x *float32, mean float32) float32 {
	var s [4]float32
	for i, v := range slice(x, n) {
		s[i%4] += (v - mean) * (v - mean)
	}
	return fold4(s)
}

func dotGeneric(n int, x, y *float32) float32 {
	var s [4]float32
	ys := slice(y, n)
	for i, v := range slice(x, n) {
		s[i%4] += v * ys[i]
	}
	return fold4(s)
}

func maxGeneric(n int, x *float32) float32 {
	high := negInf
	for _, v := range slice(x, n) {
		if v > high {
			high = v
		}
	}
	return high
}

func addGeneric(n int, dst, x, y *float32) {
	to, ys := slice(dst, n), slice(y, n)
	for i, v := range slice(x, n) {
		to[i] = v + ys[i]
	}
}

func subGeneric(n int, dst, x, y *float32) {
	to, ys := slice(dst, n), slice(y, n)
	for i, v := range slice(x, n) {
		to[i] = v - ys[i]
	}
}

func mulGeneric(n int, dst, x, y *float32) {
	to, ys := slice(dst, n), slice(y, n)
	for i, v := range slice(x, n) {
		to[i] = v * ys[i]
	}
}

func mulAddGeneric(n int, dst, x, y *float32) {
	to, ys := slice(dst, n), slice(y, n)
	for i, v := range slice(x, n) {
		to[i] += v * ys[i]
	}
}

func axpyGeneric(n int, dst *float32, a float32, x *float32) {
	to := slice(dst, n)
	for i, v := range slice(x, n) {
		to[i] += a * v
	}
}

func scaleGeneric(n int, dst *float32, a float32, x *float32) {
	to := slice(dst, n)
	for i, v := range slice(x, n) {
		to[i] = a * v
	}
}

func standardiseGeneric(n int, dst, x *float32, mean, scale float32) {
	to := slice(dst, n)
	for i, v := range slice(x, n) {
		to[i] = (v - mean) * scale
	}
}

func softmaxGradGeneric(n int, dst, p, dp *float32, delta float32) {
	to, ds := slice(dst, n), slice(dp, n)
	for i, v := range slice(p, n) {
		to[i] = v * (ds[i] - delta)
	}
}

func rotateGeneric(heads, apart, n int, x, cos, sin *float32) {
	all, c, s := slice(x, heads*apart), slice(cos, n), slice(sin, n)
	for h := range heads {
		head := all[h*apart:]
		for p := range n {
			a, b := head[p], head[p+n]
			head[p], head[p+n] = float32(a*c[p])-float32(b*s[p]), float32(b*c[p])+float32(a*s[p])
		}
	}
}

func normaliseGeneric(n int, dst, x, gamma *float32, mean, scale float32) {
	to, g := slice(dst, n), slice(gamma, n)
	for i, v := range slice(x, n) {
		to[i] = (v - mean) * scale * g[i]
	}
}

func normSumsGeneric(n int, dgamma, dbeta, x, dy, gamma *float32, mean, scale float32) (along, level float32) {
	var sa, sl [4]float32
	gain, shift, d, g := slice(dgamma, n), slice(dbeta, n), slice(dy, n), slice(gamma, n)
	for i, v := range slice(x, n) {
		unit, gd := (v-mean)*scale, g[i]*d[i]
		gain[i] += d[i] * unit
		shift[i] += d[i]
		sa[i%4] += gd * unit
		sl[i%4] += gd
	}
	return fold4(sa), fold4(sl)
}

func normGradGeneric(n int, dst, x, dy, gamma *float32, mean, scale, along, level float32) {
	to, d, g := slice(dst, n), slice(dy, n), slice(gamma, n)
	for i, v := range slice(x, n) {
		to[i] = scale * (g[i]*d[i] - level - (v-mean)*scale*along)
	}
}
