import ArgumentParser
import Exporter

/// How servers are reached. Every command that connects takes these, and goes by the environment.
struct NetworkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Also trust the CA certificates in this PEM file. A login remembers it.", valueName: "file"),
        completion: .file())
    var caFile: String?

    var network: Network { Network(caFile: caFile, environment: VaultOptions.environment) }
}
