// What Swift cannot call of SQLite: functions with a variable number of arguments.
#include <sqlite3.h>

// For a file that a stranger may have had in hand (https://www.sqlite.org/security.html): no view is looked through, nothing
// in the schema may call what has effects, and no statement may write where only SQLite itself does.
static inline int sqlite3_distrust(sqlite3 *database) {
    int code = sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)0);
    return code;
}
