public import Foundation

/// Public test data that is not part of this repository: vectors of standards, and what a real server was recorded with.
/// `MMVAULT_SHARED` names its folder; tests that need it are left out where it is absent, and say so.
public enum SharedData {
    private static let folder = ProcessInfo.processInfo.environment["MMVAULT_SHARED"].map {
        URL(filePath: $0, directoryHint: .isDirectory)
    }

    /// - Parameter path: of a file or a folder in it, such as `vectors/wycheproof`.
    /// - Returns: where that is; nil where it is absent.
    public static func file(_ path: String) -> URL? {
        folder?.appending(path: path).existing
    }

    /// What a test says that is left out for want of a file or folder.
    public static func absence(of path: String) -> String {
        "\(path) is not here: set MMVAULT_SHARED to the folder that holds it."
    }
}

extension URL {
    fileprivate var existing: URL? { FileManager.default.fileExists(atPath: path) ? self : nil }
}
