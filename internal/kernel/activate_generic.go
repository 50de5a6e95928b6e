package kernel

import "math"

var activateGeneric = activateFuncs{
	exp:          func(n int, dst, x *float32) { mapGeneric(n, dst, x, exp) },
	expSum:       expSumGeneric,
	sigmoid:      func(n int, dst, x *float32) { mapGeneric(n, dst, x, sigmoid) },
	tanh:         func(n int, dst, x *float32) { mapGeneric(n, dst, x, tanh) },
	silu:         func(n int, dst, x *float32) { mapGeneric(n, dst, x, func(x float32) float32 { return x * sigmoid(x) }) },
	siluGrad:     func(n int, dst, dy, x *float32) { gradGeneric(n, dst, dy, x, siluSlope) },
	siluMul:      siluMulGeneric,
	siluMulGrad:  siluMulGradGeneric,
	gelu:         func(n int, dst, x *float32) { mapGeneric(n, dst, x, gelu) },
	geluGrad:     func(n int, dst, dy, x *float32) { gradGeneric(n, dst, dy, x, geluSlope) },
	geluTanh:     func(n int, dst, x *float32) { mapGeneric(n, dst, x, geluTanh) },
	geluTanhGrad: func(n int, dst, dy, x *float32) { gradGeneric(n, dst, dy, x, geluTanhSlope) },
}

func mapGeneric(n int, dst, x *float32, f func(float32) float32) {
	to := slice(dst, n)
	for i, v := range slice(x, n) {
		to[i] = f(v)
	}
}

func gradGeneric(n int, dst, dy, x *float32, slope func(float32) float32) {
	to, ds := slice(dst, n), slice(dy, n)
	for i, v := range slice(x, n) {
		to[i] = ds[i] * slope(v)
	}
}

func siluMulGeneric(n int, dst, a, b *float32) {
	to, gate := slice(dst, n), slice(b, n)
	for i, x := range slice(a, n) {
		to[i] = x * sigmoid(x) * gate[i]
	}
}

func siluMulGradGeneric(n int, da, db, dy, a, b *float32) {
	toA, toB, ds, gate := slice(da, n), slice(db, n), slice(dy, n), slice(b, n)
	for i, x := range slice(a, n) {
		x = max(x, -siluFlat)
		d, flat := ds[i], min(x, siluFlat)
		s, rest := sigmoids(flat)
		toA[i], toB[i] = d*gate[i]*(s*(1+flat*rest)), d*(x*s)
	}
}

func expSumGeneric(n int, dst, x *float32, shift float32) float32 {
	var s [2]float32
	to := slice(dst, n)
	for i, v := range slice(x, n) {
		e := exp(v - shift)
		to[i] = e
		s[i%2] += e
	}
	return s[0] + s[1]
}

// Coefficients of 2^f = 1 + f·(expC1 + f·(expC2 + …)) on [−½, ½]: the smallest largest relative error with the constant
// term fixed at 1, so that e^0 is 1.
const (
	expC1 = 0.6931472028559704
	expC2 = 0.24022647913499032
	expC3 = 0.0555033246969399
	expC4 = 0.009618437366421807
	expC5 = 0.001339887486656123
	expC6 = 0.0001535336062814998
)

// exp works in float64, so that the result is rounded once, denormal or not.
func exp(x float32) float32 {
	switch {
	case x != x:
		return x
	case x > 89: // e^89 > 2^128
		return float32(math.Inf(1))
	case x < -104: // e^−104 < 2^−150, half the smallest denormal
		return 0
	}
	y := float64(x) * math.Log2E
	n := math.RoundToEven(y)
	f := y - n
	p := 1 + f*(expC1+f*(expC2+f*(expC3+f*(expC4+f*(expC5+f*expC6)))))
	return float32(p * math.Float64frombits(uint64(1023+int64(n))<<52))
}

func sigmoid(x float32) float32 { return 1 / (1 + exp(-x)) }

// Coefficients of tanh(x) = x + x³·(tanhC0 + x²·(tanhC1 + …)) for |x| < tanhSmall, with a relative error of 4.4e-9. Above,
// 1 − 2/(e^2x + 1) loses nothing to cancellation.
const (
	tanhSmall = 0.625
	tanhC0    = -0.33333281942783993
	tanhC1    = 0.13331442215037284
	tanhC2    = -0.053739716279451316
	tanhC3    = 0.020639090657232503
	tanhC4    = -0.0057049904096413235
)

func tanh(x float32) float32 {
	if x > -tanhSmall && x < tanhSmall {
		y := x * x
		return x + x*y*(tanhC0+y*(tanhC1+y*(tanhC2+y*(tanhC3+y*tanhC4))))
	}
	return 1 - 2/(exp(2*x)+1)
}

// sigmoids is s = 1 / (1 + e^−x) and 1 − s = s·e^−x, which loses nothing to cancellation.
func sigmoids(x float32) (s, rest float32) {
	e := exp(-x)
	s = 1 / (1 + e)
	return s, s * e
}

// Where the slopes are flat to the last bit; beyond, the factors of their formulas overflow.
const (
	siluFlat = 88
	geluFlat = 9
)

func siluSlope(x float32) float32 {
	x = min(max(x, -siluFlat), siluFlat)
	s, rest := sigmoids(x)
	return s * (1 + x*rest)
}

// Coefficients of ½·erfc(z)·e^(z²) = t·(phiC1 + t·(phiC2 + …)), t = 1/(1 + phiP·z), for 0 ≤ z ≤ 6, with a relative error of
// 8.2e-8: the form of Abramowitz and Stegun 7.1.26, with three terms more.
const (
	phiP  = 0.3275911
	phiC1 = 0.09253827856498044
	phiC2 = 0.09016282857852465
	phiC3 = 0.10427783994730164
	phiC4 = 0.008187212857943715
	phiC5 = 0.23531971337248314
	phiC6 = -0.21249671724695177
	phiC7 = 0.2539189542050697
	phiC8 = -0.07190813707159628

	halfSqrt  = 0.7071067811865476  // √½
	invSqrt2π = 0.3989422804014327  // 1/√(2π)
	geluA     = 1.5957691216057308  // 2·√(2/π)
	geluB     = 0.07135481282740225 // 0.044715 of geluA
)

// normal is Φ(x) and φ(x).
func normal(x float32) (distribution, density float32) {
	z := x * halfSqrt
	z = max(z, -z)
	e := exp(-z * z)
	t := 1 / (1 + phiP*z)
	tail := e * t * (phiC1 + t*(phiC2+t*(phiC3+t*(phiC4+t*(phiC5+t*(phiC6+t*(phiC7+t*phiC8)))))))
	if x > 0 {
		tail = 1 - tail
	}
	return tail, e * invSqrt2π
}

func gelu(x float32) float32 {
	distribution, _ := normal(x)
	return x * distribution
}

func geluSlope(x float32) float32 {
	distribution, density := normal(x)
	return distribution + x*density
}

func geluTanh(x float32) float32 { return x * sigmoid(x*(geluA+geluB*x*x)) }

func geluTanhSlope(x float32) float32 {
	x = min(max(x, -geluFlat), geluFlat)
	s, rest := sigmoids(x * (geluA + geluB*x*x))
	return s + s*rest*x*(geluA+3*geluB*x*x)
}
