enum E2EEPlaceholder {}
