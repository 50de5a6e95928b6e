// Package filters enlarges pictures by linear filters that are chosen by the look of each place, and fitted to photographs in closed form.
//
// A pixel p of the small picture has 7×7 neighbours. Its cluster is read from the structure tensor of luma around it, Σ g·∇ᵀ∇ over the
// same 49 pixels with Gaussian weights: the angle of the gradient, its strength, and its coherence. The s×s pixels of the large picture
// that p stands for are, channel by channel,
//
//	y_i = p + Σ_k W[cluster][i][k]·(n_k − p),   n_k the neighbours, i = 1 … s²
//
// so that flat places stay what they are whatever the weights. The weights of a cluster solve a least-squares problem that is drawn to the
// common solution of all clusters by a number of pseudo-samples (shrink):
//
//	(A_c + λ·Ā)·W_c = B_c + λ·Ā·W̄,   A_c = Σ x·xᵀ, B_c = Σ x·yᵀ,   Ā = Σ_c A_c / n,   Ā·W̄ = Σ_c B_c / n
//
// The idea of filters chosen by the structure tensor is of Romano, Isidoro and Milanfar 2017 (RAISR, IEEE TCI 3(1), arXiv:1606.01299).
package filters
