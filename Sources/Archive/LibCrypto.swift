internal import Bytes
internal import CLibCrypto

// The only file of Archive that calls OpenSSL. Handles stay private to it, each is used by one thread, and pointers never leave
// the functions that get them. What is parsed here may be hostile.

/// libcrypto's store of the certificates that are trusted, and the time as of which certificates are judged.
struct CertificateStore: ~Copyable {
    fileprivate let handle: OpaquePointer

    /// - Parameter pem: a file of certificates.
    /// - Returns: nil where there is no certificate in the file, or something that cannot be read.
    init?(_ pem: [UInt8], at time: Timestamp) {
        guard let handle = X509_STORE_new() else { return nil }
        guard CertificateStore.add(pem, to: handle) else {
            X509_STORE_free(handle)
            return nil
        }
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(handle), Int(time.milliseconds / 1000))
        self.handle = handle
    }

    deinit { X509_STORE_free(handle) }

    private static func add(_ pem: [UInt8], to store: OpaquePointer) -> Bool {
        ERR_clear_error()
        defer { ERR_clear_error() }
        return pem.withUnsafeBytes { bytes in
            guard let file = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return false }
            defer { BIO_free(file) }
            var count = 0
            // A certificate is no secret: nobody is asked for a passphrase.
            while let certificate = PEM_read_bio_X509(file, nil, { _, _, _, _ in -1 }, nil) {
                defer { X509_free(certificate) }
                guard X509_STORE_add_cert(store, certificate) == 1 else { return false }
                count += 1
            }
            // At the end of the file there is no other one; everything else is an error.
            let error = ERR_peek_last_error()
            return count > 0 && error & UInt(ERR_REASON_MASK) == UInt(PEM_R_NO_START_LINE)
        }
    }
}

/// A time-stamp response (RFC 3161, 2.4.2) as libcrypto reads it.
struct TimeStampResponse: ~Copyable {
    private let handle: OpaquePointer

    /// - Returns: nil where the bytes are no response, or more than one.
    init?(_ bytes: [UInt8]) {
        let handle = bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var cursor = buffer.baseAddress
            guard let handle = d2i_TS_RESP(nil, &cursor, buffer.count) else { return nil }
            guard cursor == buffer.baseAddress.map({ $0 + buffer.count }) else {
                TS_RESP_free(handle)
                return nil
            }
            return handle
        }
        ERR_clear_error()
        guard let handle else { return nil }
        self.handle = handle
    }

    deinit { TS_RESP_free(handle) }

    /// How the authority refused; nil where it granted a time stamp.
    var refusal: String? {
        let info = TS_RESP_get_status_info(handle)
        let status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info))
        guard status != TS_STATUS_GRANTED, status != TS_STATUS_GRANTED_WITH_MODS else { return nil }
        guard let first = OPENSSL_sk_value(TS_STATUS_INFO_get0_text(info), 0) else { return "status \(status)" }
        let text = TimeStampResponse.bytes(first.assumingMemoryBound(to: ASN1_STRING.self))
        return "status \(status), “\(String(decoding: text.prefix(200), as: UTF8.self))”"
    }

    private var info: OpaquePointer? { TS_RESP_get_tst_info(handle) }

    /// The SHA-256 that it is about; nil where it is about something else.
    var imprint: SHA256Digest? {
        guard let info, let imprint = TS_TST_INFO_get_msg_imprint(info) else { return nil }
        var algorithm: OpaquePointer?
        X509_ALGOR_get0(&algorithm, nil, nil, TS_MSG_IMPRINT_get_algo(imprint))
        guard OBJ_obj2nid(algorithm) == NID_sha256, let message = TS_MSG_IMPRINT_get_msg(imprint) else { return nil }
        return SHA256Digest(bytes: TimeStampResponse.bytes(message))
    }

    /// When it was made, by the authority's clock, to the second.
    var time: Timestamp? {
        var parts = tm()
        guard let info, ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &parts) == 1,
            let day = Timestamp(
                year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday))
        else { return nil }
        let seconds = (Int64(parts.tm_hour) * 60 + Int64(parts.tm_min)) * 60 + Int64(parts.tm_sec)
        return Timestamp(milliseconds: day.milliseconds + seconds * 1000)
    }

    /// The name in the signer's certificate, cut where it is longer than a name.
    var authority: String? {
        guard let token = TS_RESP_get_token(handle), let signers = PKCS7_get0_signers(token, nil, 0) else { return nil }
        defer { OPENSSL_sk_free(signers) }
        guard let signer = OPENSSL_sk_value(signers, 0), let output = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(output) }
        // As `openssl x509 -nameopt oneline,-esc_msb` shows it: XN_FLAG_ONELINE is a macro that Swift does not see.
        let flags =
            XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_SPC_EQ | ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL
            | ASN1_STRFLGS_ESC_QUOTE | ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER
        guard X509_NAME_print_ex(output, X509_get_subject_name(OpaquePointer(signer)), 0, UInt(flags)) >= 0 else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: 200)
        let count = Int(BIO_read(output, &bytes, Int32(bytes.count)))
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// What is wrong with its signature by the certificate that comes with it; nil where nothing is. Whose that is, it does not
    /// ask.
    var flaw: String? {
        // RFC 3161, 2.4.2. Each would have to be verified, and a megabyte holds thousands.
        guard OPENSSL_sk_num(PKCS7_get_signer_info(TS_RESP_get_token(handle))) == 1 else {
            return "it does not have one signature"
        }
        return TimeStampResponse.flaw { PKCS7_verify(TS_RESP_get_token(handle), nil, nil, nil, nil, PKCS7_NOVERIFY) }
    }

    /// What keeps it from being the word of an authority in a store; nil where nothing does. As `openssl ts -verify` judges it.
    func flaw(trusting store: borrowing CertificateStore) -> String? {
        guard let context = TS_VERIFY_CTX_new() else { return "libcrypto has no memory" }
        defer { TS_VERIFY_CTX_free(context) }
        // The context frees the store that it is given.
        X509_STORE_up_ref(store.handle)
        TS_VERIFY_CTX_set_store(context, store.handle)
        TS_VERIFY_CTX_set_flags(context, Int32(TS_VFY_VERSION | TS_VFY_SIGNER | TS_VFY_SIGNATURE))
        return TimeStampResponse.flaw { TS_RESP_verify_response(context, handle) }
    }

    /// Why a verification fails, in libcrypto's words; nil where it does not.
    private static func flaw(_ verify: () -> Int32) -> String? {
        OPENSSL_init_crypto(UInt64(OPENSSL_INIT_LOAD_CRYPTO_STRINGS), nil)
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard verify() != 1 else { return nil }
        var detail: UnsafePointer<CChar>?
        var flags: Int32 = 0
        let error = ERR_peek_last_error_all(nil, nil, nil, &detail, &flags)
        if flags & ERR_TXT_STRING != 0, let detail, detail.pointee != 0 {
            return String(cString: detail).replacing("Verify error:", with: "")
        }
        return ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(error)"
    }

    private static func bytes(_ string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
        Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
    }
}
