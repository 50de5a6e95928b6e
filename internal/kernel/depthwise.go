package kernel

// The depthwise family is the 3×3 convolution of each feature by itself over the rows of a grid. A grid row is [pixels][c] without
// gaps; a pixel has c features.
//
//	rows   the grid rows above, of, and below the result; at a border one of them twice
//	w      [9][c] taps, row by row: w[3·(i+1)+(j+1)] belongs to the neighbour i rows below and j pixels to the right
//	b      [c] what is added
//	sums   [10][c] gradients of w and of b
//
// A sum starts with b and takes the taps in their order, at every level. Four pixels are taken at a time: taps and inputs are read once
// for as many results as they have.

// depthwiseFuncs are the functions of one level. c is at least 1. Pointers to rows are at the pixel to the left of the first result for
// four, and at the pixel of the result for one, where left and right are the distances to its neighbours in elements.
type depthwiseFuncs struct {
	four     func(c int, dst, top, mid, low, w, b *float32)
	one      func(c int, dst, top, mid, low, w, b *float32, left, right int)
	gradFour func(c int, sums, dy, top, mid, low *float32)
	gradOne  func(c int, sums, dy, top, mid, low *float32, left, right int)
}

// DepthwiseRun computes dst [n][c], the results of n pixels that lie side by side: those from 1 to n of rows, whose pixels 0 and n+1 are
// neighbours only.
func DepthwiseRun(dst []float32, rows [3][]float32, w, b []float32) {
	c, f := len(b), &active.depthwise
	at := 0
	for ; at+4*c <= len(dst); at += 4 * c {
		f.four(c, &dst[at], &rows[0][at], &rows[1][at], &rows[2][at], &w[0], &b[0])
	}
	for ; at < len(dst); at += c {
		f.one(c, &dst[at], &rows[0][at+c], &rows[1][at+c], &rows[2][at+c], &w[0], &b[0], -c, c)
	}
}

// DepthwisePixel computes dst [c], the result of one pixel. cols are the numbers of the pixels to the left, of the result, and to the
// right in each row, which at a border may be one and the same.
func DepthwisePixel(dst []float32, rows [3][]float32, cols [3]int, w, b []float32) {
	c := len(b)
	at := cols[1] * c
	active.depthwise.one(c, &dst[0], &rows[0][at], &rows[1][at], &rows[2][at], &w[0], &b[0], (cols[0]-cols[1])*c, (cols[2]-cols[1])*c)
}

// DepthwiseGradRun adds to sums what n pixels with the gradients dy [n][c] give, in the order of the pixels; rows are those of
// DepthwiseRun.
func DepthwiseGradRun(sums, dy []float32, rows [3][]float32) {
	c, f := len(sums)/10, &active.depthwise
	at := 0
	for ; at+4*c <= len(dy); at += 4 * c {
		f.gradFour(c, &sums[0], &dy[at], &rows[0][at], &rows[1][at], &rows[2][at])
	}
	for ; at < len(dy); at += c {
		f.gradOne(c, &sums[0], &dy[at], &rows[0][at+c], &rows[1][at+c], &rows[2][at+c], -c, c)
	}
}

// DepthwiseGradPixel adds to sums what one pixel with the gradient dy [c] gives; rows and cols are those of DepthwisePixel.
func DepthwiseGradPixel(sums, dy []float32, rows [3][]float32, cols [3]int) {
	c := len(dy)
	at := cols[1] * c
	active.depthwise.gradOne(c, &sums[0], &dy[0], &rows[0][at], &rows[1][at], &rows[2][at], (cols[0]-cols[1])*c, (cols[2]-cols[1])*c)
}
