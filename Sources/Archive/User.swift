public import Bytes

/// A user as the server last described them. Every name in it was chosen by somebody else.
public struct User: Equatable, Sendable {
    public let id: String
    public let username: String
    public let nickname: String
    public let firstName: String
    public let lastName: String
    /// A program, not a person.
    public internal(set) var isBot = false
    /// When the account was deactivated; 0 where it is in use.
    public internal(set) var deleteAt: Int64 = 0

    /// What people call the user: the nickname, else the full name, else the user name.
    public var displayName: String {
        if !nickname.isEmpty { return nickname }
        let full = [firstName, lastName].filter { !$0.isEmpty }.joined(separator: " ")
        return full.isEmpty ? username : full
    }
}

extension User {
    /// Of whom no more is known than a name.
    public init(id: String, username: String) {
        self.init(id: id, username: username, nickname: "", firstName: "", lastName: "")
    }

    /// As the server describes it; what is missing is empty.
    public init(_ json: JSONValue) {
        id = json["id"]?.string ?? ""
        username = json["username"]?.string ?? ""
        nickname = json["nickname"]?.string ?? ""
        firstName = json["first_name"]?.string ?? ""
        lastName = json["last_name"]?.string ?? ""
        isBot = json["is_bot"]?.bool ?? false
        deleteAt = json["delete_at"]?.int ?? 0
    }
}

/// An emoji that people of the server made. Its name is their choice.
public struct CustomEmoji: Equatable, Sendable {
    public let id: String
    public let name: String
    /// Who made it; empty where the server does not say.
    public let creatorID: String
    public let createAt: Int64

    public init(id: String, name: String, creatorID: String, createAt: Int64) {
        self.id = id
        self.name = name
        self.creatorID = creatorID
        self.createAt = createAt
    }
}

extension CustomEmoji {
    init(_ json: JSONValue) {
        id = json["id"]?.string ?? ""
        name = json["name"]?.string ?? ""
        creatorID = json["creator_id"]?.string ?? ""
        createAt = json["create_at"]?.int ?? 0
    }
}
