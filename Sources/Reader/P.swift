enum ReaderPlaceholder {}
