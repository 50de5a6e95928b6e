//go:build !purego

package kernel

var depthwiseAVX2 = depthwiseFuncs{
	four:     depthwiseFourAVX2,
	one:      depthwiseOneAVX2,
	gradFour: depthwiseGradFourAVX2,
	gradOne:  depthwiseGradOneAVX2,
}

var depthwiseAVX512 = depthwiseFuncs{
	four:     depthwiseFourAVX512,
	one:      depthwiseOneAVX512,
	gradFour: depthwiseGradFourAVX512,
	gradOne:  depthwiseGradOneAVX512,
}
