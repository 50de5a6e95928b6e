// Package patchflow enlarges and generates pictures as one sequence of patches, with a Transformer of linear attention.
//
// A picture is a grid of patches of 8×8 pixels, row by row: a token each, 129,600 for 3840×2160. Nothing is cut into tiles, whatever the
// size. What the network adds to is the base: the smaller picture, enlarged by filters (package filters), or grey where there is none.
// Patch i of the picture is
//
//	y_i = b_i + σ_i·ρ·r_i
//
// b_i being the patch of the base, σ_i the deviation of the base's luma around it, at least 2/255, and ρ the root mean square of r without
// it over the training photographs, for each factor of enlarging. So the network works in units of local contrast, which says how large a
// residual can be; layers that normalise would lose it.
//
// Rectified flow (Liu et al. 2023, arXiv:2209.03003; Esser et al. 2024, arXiv:2403.03206) draws r. With noise ε of variance 1 and a time t,
//
//	x_t = (1−t)·r + t·ε,   f(x_t, t) ≈ E[r | x_t],   dx/dt = (x_t − f)/t
//
// which is integrated from t = 1, where x is noise, to t = 0. The network predicts r, not the velocity ε − r: a patch has 192 numbers of
// noise, more than a token has features, and a network that must let all of them through leaves noise in the picture (Li and He 2025,
// arXiv:2511.13720). The squared error is weighted by 1/t², which makes it that of the velocity.
//
// Times of pictures from nothing are moved towards noise, in training and in drawing: what both sides of a picture share is decided there.
//
// A token makes its patch and some pixels beyond. Where patches overlap they are blended linearly, in training too, so that neighbours do
// not differ along a line.
//
// A second network makes the mean of r in one step, without noise: the picture of least error.
//
// The layers: x += Attention(Norm(x)), in some of them, and x += Down(SwiGLU(Conv3×3(Up(Norm(x))))) in all, with a depthwise convolution
// over the grid, as in SANA (Xie et al. 2024, arXiv:2410.10629). Attention has no position encoding. It starts at nearly zero, since
// attention drawn like the other layers disturbs enlarging before it helps.
package patchflow
