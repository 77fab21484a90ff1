internal import Archive

/// Where the files of an export go: a folder, or a package.
protocol ExportDestination: AnyObject {
    /// A new file, for the caller to write and close. Several may be under way.
    ///
    /// - Parameter name: a path made of components that `ExportName` has passed.
    func makeFile(_ name: String) throws(ReaderError) -> ExportFile

    /// A file whose size and hash are known before its bytes are read.
    ///
    /// - Parameter source: called once, now or later.
    func add(_ entry: ExportFile.Entry, from source: @escaping ExportSource) throws

    /// Every file that is whole, in no particular order.
    var entries: [ExportFile.Entry] { get }
}

/// Hands bytes over, a piece at a time.
typealias ExportSource = (_ consume: ([UInt8]) throws -> Void) throws -> Void
