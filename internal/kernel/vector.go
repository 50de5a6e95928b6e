package kernel

// The vector family works on slices of float32: sums, and elementwise arithmetic. Slices of one call are equally long;
// dst may be any of the inputs, but not overlap one partly.
//
// Sums have one order at a level, which depends on nothing but the length: 4·w partial sums (w lanes: 16 in AVX-512, 8 in
// AVX2, 1 in Go) are filled in turn, the elements past the last multiple of 4·w go to the first w (in Go: in turn too), and
// then partial sums are added in halves, l and l + half, down to one.
//
// Why assembly: on Zen 5, in the L1 cache, 60 times the speed of Go for sums and 11 times for arithmetic (AVX2: 38 and 7).
// Tails are masked loads and stores.

// vectorFuncs are the functions of one level. n is at least 1.
type vectorFuncs struct {
	sum         func(n int, x *float32) float32
	sumSquares  func(n int, x *float32, mean float32) float32
	dot         func(n int, x, y *float32) float32
	max         func(n int, x *float32) float32
	add         func(n int, dst, x, y *float32)
	sub         func(n int, dst, x, y *float32)
	mul         func(n int, dst, x, y *float32)
	mulAdd      func(n int, dst, x, y *float32)
	axpy        func(n int, dst *float32, a float32, x *float32)
	scale       func(n int, dst *float32, a float32, x *float32)
	standardise func(n int, dst, x *float32, mean, scale float32)
	softmaxGrad func(n int, dst, p, dp *float32, delta float32)
	rotate      func(heads, apart, n int, x, cos, sin *float32)
	normalise   func(n int, dst, x, gamma *float32, mean, scale float32)
	normSums    func(n int, dgamma, dbeta, x, dy, gamma *float32, mean, scale float32) (along, level float32)
	normGrad    func(n int, dst, x, dy, gamma *float32, mean, scale, along, level float32)
}

const errVector = "kernel: slices of different lengths"

func same(x, y []float32) int {
	if len(x) != len(y) {
		panic(errVector)
	}
	return len(x)
}

// Sum is Σ x.
func Sum(x []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	return active.vector.sum(len(x), &x[0])
}

// SumSquares is Σ (x − mean)².
func SumSquares(x []float32, mean float32) float32 {
	if len(x) == 0 {
		return 0
	}
	return active.vector.sumSquares(len(x), &x[0], mean)
}

// Dot is Σ x·y.
func Dot(x, y []float32) float32 {
	if same(x, y) == 0 {
		return 0
	}
	return active.vector.dot(len(x), &x[0], &y[0])
}

// Max is the largest element that is not NaN, and −Inf where there is none.
func Max(x []float32) float32 {
	if len(x) == 0 {
		return negInf
	}
	return active.vector.max(len(x), &x[0])
}

// Add computes dst = x + y.
func Add(dst, x, y []float32) {
	if same(dst, x)+same(dst, y) > 0 {
		active.vector.add(len(dst), &dst[0], &x[0], &y[0])
	}
}

// Sub computes dst = x − y.
func Sub(dst, x, y []float32) {
	if same(dst, x)+same(dst, y) > 0 {
		active.vector.sub(len(dst), &dst[0], &x[0], &y[0])
	}
}

// Mul computes dst = x·y, element by element.
func Mul(dst, x, y []float32) {
	if same(dst, x)+same(dst, y) > 0 {
		active.vector.mul(len(dst), &dst[0], &x[0], &y[0])
	}
}

// MulAdd computes dst += x·y, element by element.
func MulAdd(dst, x, y []float32) {
	if same(dst, x)+same(dst, y) > 0 {
		active.vector.mulAdd(len(dst), &dst[0], &x[0], &y[0])
	}
}

// Axpy computes dst += a·x.
func Axpy(dst []float32, a float32, x []float32) {
	if same(dst, x) > 0 {
		active.vector.axpy(len(dst), &dst[0], a, &x[0])
	}
}

// Scale computes dst = a·x.
func Scale(dst []float32, a float32, x []float32) {
	if same(dst, x) > 0 {
		active.vector.scale(len(dst), &dst[0], a, &x[0])
	}
}

// Standardise computes dst = (x − mean)·scale.
func Standardise(dst, x []float32, mean, scale float32) {
	if same(dst, x) > 0 {
		active.vector.standardise(len(dst), &dst[0], &x[0], mean, scale)
	}
}

// SoftmaxGrad computes dst = p·(dp − delta): the gradient of a softmax row's inputs from its outputs p and their gradients
// dp, where delta = Σ p·dp.
func SoftmaxGrad(dst, p, dp []float32, delta float32) {
	if same(dst, p)+same(dst, dp) > 0 {
		active.vector.softmaxGrad(len(dst), &dst[0], &p[0], &dp[0], delta)
	}
}

// Rotate rotates pairs of elements of each head of x by their angles: (a, b) becomes (a·cos − b·sin, b·cos + a·sin), where pair p of a head
// is its elements p and p + len(cos). Heads lie apart elements apart, and what is left of x behind the last whole one stays. Products are
// rounded before they are added, at every level to the same bits.
func Rotate(x []float32, apart int, cos, sin []float32) {
	n := same(cos, sin)
	if n == 0 || len(x) < apart {
		return
	}
	if apart < 2*n {
		panic("kernel: heads that are shorter than their pairs")
	}
	active.vector.rotate(len(x)/apart, apart, n, &x[0], &cos[0], &sin[0])
}

// Normalise computes dst = (x − mean)·scale·gamma.
func Normalise(dst, x, gamma []float32, mean, scale float32) {
	if same(dst, x)+same(dst, gamma) > 0 {
		active.vector.normalise(len(dst), &dst[0], &x[0], &gamma[0], mean, scale)
	}
}

// NormSums is what the gradient of a norm needs of a row: with x̂ = (x − mean)·scale, it adds dy·x̂ to dgamma and dy to dbeta, and returns
// Σ γ·dy·x̂ and Σ γ·dy.
func NormSums(dgamma, dbeta, x, dy, gamma []float32, mean, scale float32) (along, level float32) {
	if same(dgamma, dbeta)+same(dgamma, x)+same(dgamma, dy)+same(dgamma, gamma) == 0 {
		return 0, 0
	}
	return active.vector.normSums(len(x), &dgamma[0], &dbeta[0], &x[0], &dy[0], &gamma[0], mean, scale)
}

// NormGrad computes dst = scale·(γ·dy − level − x̂·along), with x̂ = (x − mean)·scale: the gradient of a row of a norm.
func NormGrad(dst, x, dy, gamma []float32, mean, scale, along, level float32) {
	if same(dst, x)+same(dst, dy)+same(dst, gamma) > 0 {
		active.vector.normGrad(len(dst), &dst[0], &x[0], &dy[0], &gamma[0], mean, scale, along, level)
	}
}
