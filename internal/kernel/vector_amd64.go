//go:build !purego

package kernel

var vectorAVX2 = vectorFuncs{
	sum:         sumAVX2,
	sumSquares:  sumSquaresAVX2,
	dot:         dotAVX2,
	max:         maxAVX2,
	add:         addAVX2,
	sub:         subAVX2,
	mul:         mulAVX2,
	mulAdd:      mulAddAVX2,
	axpy:        axpyAVX2,
	scale:       scaleAVX2,
	standardise: standardiseAVX2,
	softmaxGrad: softmaxGradAVX2,
	rotate:      rotateAVX2,
	normalise:   normaliseAVX2,
	normSums:    normSumsAVX2,
	normGrad:    normGradAVX2,
}

var vectorAVX512 = vectorFuncs{
	sum:         sumAVX512,
	sumSquares:  sumSquaresAVX512,
	dot:         dotAVX512,
	max:         maxAVX512,
	add:         addAVX512,
	sub:         subAVX512,
	mul:         mulAVX512,
	mulAdd:      mulAddAVX512,
	axpy:        axpyAVX512,
	scale:       scaleAVX512,
	standardise: standardiseAVX512,
	softmaxGrad: softmaxGradAVX512,
	rotate:      rotateAVX512,
	normalise:   normaliseAVX512,
	normSums:    normSumsAVX512,
	normGrad:    normGradAVX512,
}
