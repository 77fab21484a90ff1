internal import Age
internal import Archive

/// For whom a package is sealed.
public enum PackageSeal: Sendable {
    case age(AgeSeal)
    /// What names an OpenPGP key that the user's gpg knows.
    case gpg(String)

    /// - Returns: nil for what begins as an age recipient does, and is none.
    public init?(_ text: String) {
        guard text.lowercased().hasPrefix("age1") else {
            self = .gpg(text)
            return
        }
        guard let recipient = AgeRecipient(text) else { return nil }
        self = .age(AgeSeal(recipient: recipient))
    }

    /// What the package's name ends with behind the ending of its format.
    public var fileExtension: String {
        switch self {
        case .age: "age"
        case .gpg: "gpg"
        }
    }
}

/// A recipient of an age file, `age1…`.
public struct AgeSeal: Sendable {
    fileprivate let recipient: AgeRecipient
}

extension PackageFile {
    /// Writes the package to a new file, sealed where that is wanted: what is not sealed is on the disk nowhere then.
    func write(_ format: PackFormat, to file: NewFile, _ seal: PackageSeal?) async throws {
        switch seal {
        case nil: try write(format) { try file.write($0) }
        case .age(let seal):
            let sealer = AgeSealer(seal.recipient)
            try write(format) { bytes in try sealer.write(bytes) { try file.write($0) } }
            try sealer.finish { try file.write($0) }
        case .gpg(let recipient):
            let gpg = Gpg()
            let key = try await gpg.key(named: recipient, for: .encryption)
            try await gpg.seal(to: key, output: file.descriptor) { output in
                try write(format) { bytes in
                    if let failure = ExportFile.write(bytes, to: output) {
                        throw ReaderError.output(path: "gpg", operation: "write to", errno: failure)
                    }
                }
            }
        }
        try file.complete()
    }
}

/// Holds the writer, of which there must be no two.
private final class AgeSealer {
    private var writer: AgeWriter?

    init(_ recipient: AgeRecipient) { writer = AgeWriter(to: [recipient]) }

    func write(_ bytes: UnsafeRawBufferPointer, _ output: (UnsafeRawBufferPointer) throws -> Void) throws {
        try writer?.write(bytes, output)
    }

    func finish(_ output: (UnsafeRawBufferPointer) throws -> Void) throws { try writer.take()?.finish(output) }
}
