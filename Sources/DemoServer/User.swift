/// An account, with what it takes to log in to it.
struct User {
    let id: String
    var username: String
    var firstName: String
    let lastName: String
    let nickname: String
    let password: String
    /// The six digits that a login must bring, if any.
    let mfaCode: String?
    let createAt: Int64
    var isBot = false

    var email: String { isBot ? "\(username)@localhost" : "\(username)@example.com" }

    /// What others see of the user.
    var publicJSON: String { json(own: false) }
    /// What `/users/me` and a login answer.
    var ownJSON: String { json(own: true) }

    private func json(own: Bool) -> String {
        var text = "{\"id\":\"\(id)\",\"create_at\":\(createAt),\"update_at\":\(createAt),\"delete_at\":0"
        text += ",\"username\":\(JSONText.string(username)),\"auth_data\":\"\",\"auth_service\":\"\""
        text += ",\"email\":\(JSONText.string(email)),\"nickname\":\(JSONText.string(nickname))"
        text += ",\"first_name\":\(JSONText.string(firstName)),\"last_name\":\(JSONText.string(lastName))"
        text += ",\"position\":\"\",\"roles\":\"system_user\""
        if own {
            text += ",\"notify_props\":{\"channel\":\"true\",\"comments\":\"never\",\"desktop\":\"mention\""
            text += ",\"desktop_sound\":\"true\",\"desktop_threads\":\"all\",\"email\":\"true\""
            text += ",\"email_threads\":\"all\",\"first_name\":\"false\",\"mention_keys\":\"\",\"push\":\"mention\""
            text += ",\"push_status\":\"away\",\"push_threads\":\"all\"},\"last_password_update\":\(createAt)"
        }
        text += ",\"locale\":\"en\",\"timezone\":{\"automaticTimezone\":\"\",\"manualTimezone\":\"\""
        text += ",\"useAutomaticTimezone\":\"true\"}"
        if own && mfaCode != nil { text += ",\"mfa_active\":true" }
        if isBot { text += ",\"is_bot\":true,\"bot_description\":\"Created by the E2EE plugin.\"" }
        return text + ",\"disable_welcome_email\":false}"
    }
}

/// The two public keys that the plugin keeps for a user, as they were pushed.
struct PublicKeys: Equatable {
    /// Base64 of a 65-byte uncompressed P-256 point, for ECDH.
    let encr: String
    /// Base64 of a 65-byte uncompressed P-256 point, for ECDSA.
    let sign: String

    var json: String { "{\"sign\":\(JSONText.string(sign)),\"encr\":\(JSONText.string(encr))}" }
}
