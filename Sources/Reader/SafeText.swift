public enum SafeText {
    public static func line(_ text: String) -> String { text }
    public static func block(_ text: String) -> String { text }
}
