import Foundation
import Testing

/// What each module on Reader's side may import: nothing that could reach a network.
@Suite struct ImportTests {
    /// Modules that every file of the module may import, and those that only the files named may.
    struct Allowance: Sendable {
        let module: String
        let everywhere: Set<String>
        let only: [String: Set<String>]
    }

    static let allowances = [
        Allowance(
            module: "Bytes", everywhere: [],
            only: [
                "CLibCrypto": [
                    "EphemeralCipher.swift", "HMACSHA512.swift", "SHA256Digest.swift", "SHA512Digest.swift",
                    "SecretBytes.swift",
                ]
            ]),
        Allowance(module: "Age", everywhere: ["Bytes"], only: ["CLibCrypto": ["LibCrypto.swift"]]),
        Allowance(
            module: "E2EE", everywhere: ["Bytes"], only: ["CLibCrypto": ["LibCrypto.swift", "P256+Recovery.swift"]]),
        Allowance(
            // Foundation for Data, which GRDB takes blobs as, and for the number of cores.
            module: "Archive", everywhere: ["Bytes", "Foundation", "GRDB"],
            only: [
                "CLibArchive": ["LibArchive.swift", "PackReader.swift", "PackWriter.swift"],
                "CLibCrypto": ["LibCrypto.swift"],
                "CLinux": ["CheckedMark.swift"], "CSQLite": ["DatabaseDefense.swift"],
                "GRDBSQLite": ["DatabaseHeader.swift"],
                "Glibc": [
                    "Archive.swift", "Archive+Create.swift", "ArchiveLock.swift", "CheckedMark.swift",
                    "FileStore.swift",
                    "LibArchive.swift", "PackReader.swift", "PackWriter.swift", "PartialFile.swift",
                    "PrivateFile.swift",
                    "Vault.swift",
                ],
            ]),
        Allowance(
            // Foundation for what Unicode says of characters; the search index is a database in memory.
            module: "Reader", everywhere: ["Archive", "Bytes", "E2EE"],
            only: [
                "Age": [
                    "Evidence/PackageSeal.swift", "Evidence/SealedPackage.swift", "Search/SealedFolder.swift",
                    "Search/Search.swift",
                ],
                "CLinux": ["Evidence/UnnamedFile.swift", "Gpg+Package.swift", "Gpg+Process.swift"],
                "Foundation": ["Search/SearchText.swift", "Search/SearchHighlight.swift"],
                "GRDB": ["Search/SearchSegment.swift"], "GRDBSQLite": ["Search/SearchSegment.swift"],
                "Glibc": [
                    "Evidence/NewFile.swift", "Evidence/PackageFolder.swift", "Evidence/SealedPackage.swift",
                    "Evidence/UnnamedFile.swift", "Export/ExportDirectory.swift",
                    "Export/ExportFile.swift", "Gpg+Package.swift", "Gpg+Process.swift", "Gpg+Signature.swift",
                    "Gpg.swift", "Trust/SignatureMemory.swift",
                ],
                "Subprocess": ["Gpg+Package.swift", "Gpg+Process.swift"],
                "SystemPackage": ["Gpg+Package.swift", "Gpg+Process.swift"],
            ]),
        Allowance(module: "reader-probe", everywhere: ["Archive", "E2EE", "Reader"], only: [:]),
    ]

    @Test(arguments: allowances.indices)
    func aModuleImportsOnlyWhatItMay(_ place: Int) throws {
        let allowance = Self.allowances[place]
        let files = try Self.imports(of: allowance.module)
        #expect(!files.isEmpty)
        for (file, modules) in files {
            for module in modules where !allowance.everywhere.contains(module) {
                let mayImport = allowance.only[module]?.contains(file) ?? false
                #expect(mayImport, "\(allowance.module)/\(file) imports \(module)")
            }
        }
    }

    @Test(arguments: [
        ("import Foundation", ["Foundation"]), ("  public import struct  NIO.ByteBuffer // x", ["NIO"]),
        ("@testable import Exporter", ["Exporter"]), ("@_spi(A, B) @preconcurrency internal import A", ["A"]),
        ("import A; import B", ["A", "B"]), ("@_implementationOnly import C.D", ["C"]),
        ("#if x\nimport E\n#endif", ["E"]),
        ("let x = 1; /* y */ import F", ["F"]), ("import\n  G", ["G"]), ("import `H`", ["H"]),
        ("// import Foundation", []), ("let important = 1", []), ("/// an import of words", []),
    ])
    func everySpellingOfAnImportIsSeen(_ source: String, _ modules: [String]) {
        #expect(Self.imports(in: source) == modules)
    }

    /// Every import of every Swift file of a module, by the file's path in it.
    static func imports(of module: String) throws -> [String: [String]] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/\(module)").path
        let files = try #require(FileManager.default.enumerator(atPath: root)).compactMap { $0 as? String }
        return try Dictionary(
            uniqueKeysWithValues: files.filter { $0.hasSuffix(".swift") }.map { file in
                (file, imports(in: try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8)))
            })
    }

    static func imports(in source: String) -> [String] {
        let code = source.split(separator: "\n").map {
            $0.prefix(upTo: $0.firstRange(of: "//")?.lowerBound ?? $0.endIndex)
        }
        let declaration = /\bimport\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?`?(\w+)/
        return code.joined(separator: "\n").matches(of: declaration).map { String($0.1) }
    }
}
