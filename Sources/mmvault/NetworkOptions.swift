import ArgumentParser
import Exporter

/// How servers are reached. Every command that connects takes these, and goes by the environment.
struct NetworkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Trust the certificates in this file (PEM), too: of a private CA. A login remembers it.", valueName: "file"),
        completion: .file())
    var caFile: String?

    var network: Network { Network(caFile: caFile, environment: VaultOptions.environment) }
}
