//go:build !purego

package kernel

var activateAVX2 = activateFuncs{
	exp:          expAVX2,
	expSum:       expSumAVX2,
	sigmoid:      sigmoidAVX2,
	tanh:         tanhAVX2,
	silu:         siluAVX2,
	siluGrad:     siluGradAVX2,
	siluMul:      siluMulAVX2,
	siluMulGrad:  siluMulGradAVX2,
	gelu:         geluAVX2,
	geluGrad:     geluGradAVX2,
	geluTanh:     geluTanhAVX2,
	geluTanhGrad: geluTanhGradAVX2,
}

var activateAVX512 = activateFuncs{
	exp:          expAVX512,
	expSum:       expSumAVX512,
	sigmoid:      sigmoidAVX512,
	tanh:         tanhAVX512,
	silu:         siluAVX512,
	siluGrad:     siluGradAVX512,
	siluMul:      siluMulAVX512,
	siluMulGrad:  siluMulGradAVX512,
	gelu:         geluAVX512,
	geluGrad:     geluGradAVX512,
	geluTanh:     geluTanhAVX512,
	geluTanhGrad: geluTanhGradAVX512,
}
