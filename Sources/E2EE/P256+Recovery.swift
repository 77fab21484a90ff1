internal import CLibCrypto

extension P256 {
    /// The points whose private keys may have made an ECDSA signature (SEC 1 v2, 4.1.6): two as a rule, since the signature
    /// tells the x coordinate of a point R and not on which side of the axis it lies; four where x may be either of r and
    /// r + n, which happens to one signature of 2^128; none where r or s is no number of 1…n−1, or r no coordinate.
    ///
    /// - Parameters:
    ///   - signature: raw `r ‖ s`, 64 bytes.
    ///   - digest: the hash that was signed, 32 bytes, as long as n, so that nothing of it is cut off.
    static func signers(of signature: [UInt8], digest: [UInt8]) -> [[UInt8]] {
        guard signature.count == 2 * scalarLength, digest.count == scalarLength, let context = BN_CTX_new() else {
            return []
        }
        defer { BN_CTX_free(context) }
        BN_CTX_start(context)
        defer { BN_CTX_end(context) }
        // A context that has given nil once gives nothing else; its numbers are freed with it.
        let numbers = (0..<8).map { _ in BN_CTX_get(context) }
        guard numbers.last != .some(nil) else { return [] }
        let (r, s, e, prime) = (numbers[0], numbers[1], numbers[2], numbers[3])
        let (inverse, ofGenerator, ofR, x) = (numbers[4], numbers[5], numbers[6], numbers[7])
        let order = EC_GROUP_get0_order(group.handle)

        signature.withUnsafeBufferPointer {
            BN_bin2bn($0.baseAddress, Int32(scalarLength), r)
            BN_bin2bn($0.baseAddress.map { $0 + scalarLength }, Int32(scalarLength), s)
        }
        BN_bin2bn(digest, Int32(scalarLength), e)
        guard BN_is_zero(r) == 0, BN_cmp(r, order) < 0, BN_is_zero(s) == 0, BN_cmp(s, order) < 0 else { return [] }

        // Q = r⁻¹(sR − eG): what G and R are multiplied by is the same for every R.
        guard BN_mod_inverse(inverse, r, order, context) != nil,
            BN_mod_mul(ofGenerator, e, inverse, order, context) == 1,
            BN_sub(ofGenerator, order, ofGenerator) == 1,
            BN_mod_mul(ofR, s, inverse, order, context) == 1,
            EC_GROUP_get_curve(group.handle, prime, nil, nil, context) == 1,
            BN_copy(x, r) != nil
        else { return [] }
        var result: [[UInt8]] = []
        while BN_cmp(x, prime) < 0 {
            result += sums(ofGenerator, ofR, x: x, context)
            guard BN_add(x, x, order) == 1 else { return [] }
        }
        return result
    }

    /// g·G ± f·R for the two points ±R that have this x coordinate. Those that are no points but infinity are left out.
    private static func sums(
        _ g: OpaquePointer?, _ f: OpaquePointer?, x: OpaquePointer?, _ context: OpaquePointer
    ) -> [[UInt8]] {
        let points = (0..<3).map { _ in EC_POINT_new(group.handle) }
        defer { points.forEach(EC_POINT_free) }
        let (first, second, sum) = (points[0], points[1], points[2])
        // Not every number is the x coordinate of a point.
        guard !points.contains(nil),
            EC_POINT_set_compressed_coordinates(group.handle, second, x, 0, context) == 1,
            EC_POINT_mul(group.handle, first, g, nil, nil, context) == 1,
            EC_POINT_mul(group.handle, second, nil, second, f, context) == 1
        else { return [] }
        return (0..<2).compactMap { side in
            guard side == 0 || EC_POINT_invert(group.handle, second, context) == 1,
                EC_POINT_add(group.handle, sum, first, second, context) == 1
            else { return nil }
            return uncompressed(sum)
        }
    }
}
