internal import Bytes

/// What a post by the server tells by its type and props alone. The words go behind the name of the user whose post it is:
/// `joined the channel`.
enum SystemEvent {
    static func words(_ type: String, _ props: JSONValue?) -> String {
        switch type {
        case "system_join_channel", "system_guest_join_channel": return "joined the channel"
        case "system_leave_channel": return "left the channel"
        case "system_join_team", "system_guest_join_team": return "joined the team"
        case "system_leave_team": return "left the team"
        case "system_add_to_channel", "system_add_guest_to_chan":
            return "added \(somebody(props?["addedUsername"])) to the channel"
        case "system_add_to_team": return "added \(somebody(props?["addedUsername"])) to the team"
        case "system_remove_from_channel": return "removed \(somebody(props?["removedUsername"])) from the channel"
        case "system_remove_from_team": return "was removed from the team"
        case "system_header_change": return change("header", props?["old_header"], props?["new_header"])
        case "system_purpose_change": return change("purpose", props?["old_purpose"], props?["new_purpose"])
        case "system_displayname_change":
            return change("name", props?["old_displayname"], props?["new_displayname"])
        case "system_channel_deleted": return "archived the channel"
        case "system_channel_restored": return "unarchived the channel"
        default: return "(\(type))"
        }
    }

    private static func somebody(_ username: JSONValue?) -> String {
        guard let name = username?.string, !name.isEmpty else { return "somebody" }
        return "@\(name)"
    }

    private static func change(_ what: String, _ old: JSONValue?, _ new: JSONValue?) -> String {
        let (old, new) = (old?.string ?? "", new?.string)
        let before = old.isEmpty ? "" : " from “\(old)”"
        guard let new else { return "changed the channel's \(what)\(before)" }
        return new.isEmpty
            ? "removed the channel's \(what)\(old.isEmpty ? "" : " “\(old)”")"
            : "changed the channel's \(what)\(before) to “\(new)”"
    }
}
