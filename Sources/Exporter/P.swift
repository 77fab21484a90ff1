enum ExporterPlaceholder {}
