package kernel

// The feature family is what lies between the products of linear attention. As in the tile family tokens lie across the
// lanes: a tile a is [m][Lanes], one row a feature, and its rows are ld apart where ld is given, Lanes where it is not.
//
//	a     logarithms of features, in base 2, then features
//	c     [m] a stabiliser for each feature: features are kept as 2^(a + … ∓ c), and what they are summed into too
//	sums  [m][SumLanes] sums over tokens, by lane modulo SumLanes: FeatureFold adds the lanes
//
// m is a multiple of 8. Nothing here reduces across lanes but FeatureFold.

// SumLanes is the number of partial sums a feature has: one register, so that adding a tile costs no horizontal reduction.
const SumLanes = 16

// featureFuncs are the functions of one level; see the exported functions of this file.
type featureFuncs struct {
	top   func(m int, a *float32, ld int, n, c, top *float32)
	exp   func(m int, a *float32, ld int, n, c *float32)
	query func(m int, a, c, z, high, den *float32)
	elu   func(m int, a *float32)
	relu  func(m int, a *float32)
	eluD  func(m int, phi, slope *float32)
	reluD func(m int, phi, slope *float32)
	sum   func(m int, a *float32, ld int, w, sums *float32)
	fold  func(m int, sums, z *float32)
	dot   func(m int, a, b, p *float32)
	mix   func(m int, a, z, p *float32)
	grad  func(m int, d, phi, z, delta, s *float32)
}

var featureGeneric = featureFuncs{
	top:   featureTopGeneric,
	exp:   featureExpGeneric,
	query: featureQueryGeneric,
	elu:   featureEluGeneric,
	relu:  featureReluGeneric,
	eluD:  featureEluSlopeGeneric,
	reluD: featureReluSlopeGeneric,
	sum:   featureSumGeneric,
	fold:  featureFoldGeneric,
	dot:   featureDotGeneric,
	mix:   featureMixGeneric,
	grad:  featureGradGeneric,
}

// FeatureTop computes top[x] = max over i of a[i][x] − n[x] − c[i], the largest exponent FeatureExp would raise 2 to.
func FeatureTop(m int, a []float32, ld int, n, c, top []float32) {
	active.feature.top(m, &a[0], ld, &n[0], &c[0], &top[0])
}

// FeatureExp computes a[i][x] = 2^(a[i][x] − n[x] − c[i]). A finite n of 1e30 or more hides a lane: its features become 0.
// Exponents must be below 127.
func FeatureExp(m int, a []float32, ld int, n, c []float32) {
	active.feature.exp(m, &a[0], ld, &n[0], &c[0])
}

// FeatureQuery computes high[x] = max over i of a[i][x] + c[i], a[i][x] = 2^(a[i][x] + c[i] − high[x]), and
// den[x] = Σ_i a[i][x]·z[i]: the features of queries, and their products with the summed features of the keys.
func FeatureQuery(m int, a, c, z, high, den []float32) {
	active.feature.query(m, &a[0], &c[0], &z[0], &high[0], &den[0])
}

// FeatureElu computes a = elu(a) + 1: a + 1 above 0, e^a at and below.
func FeatureElu(m int, a []float32) {
	active.feature.elu(m, &a[0])
}

// FeatureRelu computes a = max(a, 0).
func FeatureRelu(m int, a []float32) {
	active.feature.relu(m, &a[0])
}

// FeatureEluSlope computes slope = min(phi, 1), the derivative of elu(x) + 1 = phi: e^x at and below 0, where phi is e^x,
// and 1 above, where phi is more than 1.
func FeatureEluSlope(m int, phi, slope []float32) {
	active.feature.eluD(m, &phi[0], &slope[0])
}

// FeatureReluSlope computes slope, 1 where phi is above 0 and 0 elsewhere: the derivative of max(x, 0) = phi.
func FeatureReluSlope(m int, phi, slope []float32) {
	active.feature.reluD(m, &phi[0], &slope[0])
}

// FeatureSum adds a[i][x]·w[x] to sums[i][x mod SumLanes].
func FeatureSum(m int, a []float32, ld int, w, sums []float32) {
	active.feature.sum(m, &a[0], ld, &w[0], &sums[0])
}

// FeatureFold computes z[i], the sum of sums[i][…].
func FeatureFold(m int, sums, z []float32) {
	active.feature.fold(m, &sums[0], &z[0])
}

// FeatureDot computes p[x] = Σ_i a[i][x]·b[i][x].
func FeatureDot(m int, a, b, p []float32) {
	active.feature.dot(m, &a[0], &b[0], &p[0])
}

// FeatureMix computes p[x] = Σ_i a[i][x]·z[i].
func FeatureMix(m int, a, z, p []float32) {
	active.feature.mix(m, &a[0], &z[0], &p[0])
}

// FeatureGrad computes d[i][x] = phi[i][x]·(d[i][x] − delta[x]·z[i]) and s[x] = Σ_i d[i][x]: the gradient of the logarithms
// of features, and what of it belongs to a term that all features of a token share.
func FeatureGrad(m int, d, phi, z, delta, s []float32) {
	active.feature.grad(m, &d[0], &phi[0], &z[0], &delta[0], &s[0])
}
