//go:build !purego

package kernel

var adamAVX2Funcs = adamFuncs{step: adamAVX2}

var adamAVX512Funcs = adamFuncs{step: adamAVX512}
