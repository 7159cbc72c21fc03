/* An OPC UA server on open62541: a judge of our driver that is not of our making, and the server of its figures.
 *
 *   opcua [key=word ...]
 *     port=4840           listens on 127.0.0.1
 *     pki=FOLDER          own.der and own.key.der: certificate and key; without it there is no security but None
 *     trust=FILE.der      the one client that is let in; absent: every certificate
 *     none=no             no endpoint without security
 *     anonymous=no        a name and a password, or a certificate, are asked for
 *     order=other         the other namespace is registered first, so that the plant's index differs
 *     limit=N             most nodes of a read, a write, and items of a subscription's call
 *     slowest_ms=N        no subscription publishes, and none samples, faster than this
 *     many=N              N variables Many0.. (default 300), which count tenths of a second
 *
 * Prints "ready" when it listens, then takes one command a line, each answered by one line:
 *     set NAME NUMBER [STATUS [AGE_S]]   a Double's value, status code (0x...), age of its source timestamp
 *     get NAME                           the number that stands there
 *     writes                             how many writes of clients reached a variable
 *     kill                               ends every session without a word
 * It ends with its standard input. */
#include <open62541/plugin/accesscontrol_default.h>
#include <open62541/plugin/log_stdout.h>
#include <open62541/plugin/pki_default.h>
#include <open62541/server.h>
#include <open62541/server_config_default.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLANT_URI "urn:quartier:peer:plant"
#define OTHER_URI "urn:quartier:peer:other"
#define SERVER_URI "urn:quartier:peer"
#define SESSIONS_MAX 64

static FILE *said; /* standard output; what the library logs goes to standard error */
static UA_Server *server;
static UA_UInt16 plant;
static UA_NodeId folder;
static unsigned long writes_count;
static int own_write;
static int many = 300;
static UA_NodeId sessions[SESSIONS_MAX];
static int sessions_count;
static UA_StatusCode (*activate)(UA_Server *, UA_AccessControl *, const UA_EndpointDescription *,
                                 const UA_ByteString *, const UA_NodeId *, const UA_ExtensionObject *, void **);

static void must(UA_StatusCode status, const char *what)
{
    if (status != UA_STATUSCODE_GOOD) {
        fprintf(stderr, "%s: %s\n", what, UA_StatusCode_name(status));
        exit(1);
    }
}

static const char *word(int count, char **words, const char *key, const char *otherwise)
{
    size_t length = strlen(key);
    for (int n = 1; n < count; n++)
        if (strncmp(words[n], key, length) == 0 && words[n][length] == '=')
            return words[n] + length + 1;
    return otherwise;
}

static UA_ByteString file(const char *place, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s%s%s", place, *name ? "/" : "", name);
    FILE *handle = fopen(path, "rb");
    if (!handle) {
        perror(path);
        exit(1);
    }
    UA_ByteString bytes;
    must(UA_ByteString_allocBuffer(&bytes, 65536), path);
    bytes.length = fread(bytes.data, 1, 65536, handle);
    fclose(handle);
    return bytes;
}

/* -- who is let in ------------------------------------------------------------------------------------- */

static UA_StatusCode activated(UA_Server *of, UA_AccessControl *control, const UA_EndpointDescription *endpoint,
                               const UA_ByteString *certificate, const UA_NodeId *session,
                               const UA_ExtensionObject *token, void **context)
{
    UA_StatusCode status = activate(of, control, endpoint, certificate, session, token, context);
    if (status == UA_STATUSCODE_GOOD && sessions_count < SESSIONS_MAX)
        UA_NodeId_copy(session, &sessions[sessions_count++]);
    return status;
}

static void drop_none(UA_ServerConfig *config)
{
    size_t kept = 0;
    for (size_t n = 0; n < config->endpointsSize; n++) {
        if (config->endpoints[n].securityMode == UA_MESSAGESECURITYMODE_NONE)
            UA_EndpointDescription_clear(&config->endpoints[n]);
        else
            config->endpoints[kept++] = config->endpoints[n];
    }
    config->endpointsSize = kept;
}

static void secure(UA_ServerConfig *config, int port, int count, char **words)
{
    const char *pki = word(count, words, "pki", ""), *trusted = word(count, words, "trust", "");
    UA_ByteString trust = *trusted ? file(trusted, "") : UA_BYTESTRING_NULL;

    if (!*pki) {
        must(UA_ServerConfig_setMinimal(config, port, NULL), "minimal");
    } else {
        UA_ByteString certificate = file(pki, "own.der"), key = file(pki, "own.key.der");
        must(UA_ServerConfig_setDefaultWithSecurityPolicies(config, port, &certificate, &key, &trust, *trusted ? 1 : 0,
                                                            NULL, 0, NULL, 0), "security");
        if (!*trusted) {
            config->secureChannelPKI.clear(&config->secureChannelPKI);
            UA_CertificateVerification_AcceptAll(&config->secureChannelPKI);
        }
        config->sessionPKI.clear(&config->sessionPKI);
        UA_CertificateVerification_AcceptAll(&config->sessionPKI);
        if (strcmp(word(count, words, "none", ""), "no") == 0)
            drop_none(config);
    }
    UA_String_clear(&config->applicationDescription.applicationUri);
    config->applicationDescription.applicationUri = UA_STRING_ALLOC(SERVER_URI);

    UA_UsernamePasswordLogin login = {UA_STRING("operator"), UA_STRING("secret-7")};
    UA_Boolean anonymous = strcmp(word(count, words, "anonymous", ""), "no") != 0;
    must(UA_AccessControl_default(config, anonymous, NULL, 1, &login), "access");
    activate = config->accessControl.activateSession;
    config->accessControl.activateSession = activated;
}

/* -- its variables ------------------------------------------------------------------------------------- */

static UA_NodeId named(const char *name)
{
    return UA_NODEID_STRING(plant, (char *)name);
}

static void counted(UA_Server *of, const UA_NodeId *session, void *session_context, const UA_NodeId *node,
                    void *context, const UA_NumericRange *range, const UA_DataValue *value)
{
    (void)of, (void)session, (void)session_context, (void)node, (void)context, (void)range, (void)value;
    writes_count += !own_write;
}

static UA_VariableAttributes attributes(const char *name, const UA_DataType *type, void *values, size_t length)
{
    static UA_UInt32 any_length;
    UA_VariableAttributes made = UA_VariableAttributes_default;
    made.displayName = UA_LOCALIZEDTEXT("en", (char *)name);
    made.accessLevel = UA_ACCESSLEVELMASK_READ | UA_ACCESSLEVELMASK_WRITE;
    made.dataType = type->typeId;
    if (length) {
        UA_Variant_setArray(&made.value, values, length, type);
        made.valueRank = UA_VALUERANK_ONE_DIMENSION;
        made.arrayDimensions = &any_length;
        made.arrayDimensionsSize = 1;
    } else {
        UA_Variant_setScalar(&made.value, values, type);
        made.valueRank = UA_VALUERANK_SCALAR;
    }
    return made;
}

static void add(const char *name, UA_VariableAttributes made, UA_UInt32 kind)
{
    UA_ValueCallback callback = {NULL, counted};
    must(UA_Server_addVariableNode(server, named(name), folder, UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT),
                                   UA_QUALIFIEDNAME(plant, (char *)name), UA_NODEID_NUMERIC(0, kind), made, NULL, NULL),
         name);
    must(UA_Server_setVariableNode_valueCallback(server, named(name), callback), name);
}

#define SCALAR(name, TYPE, ...)                                                                    \
    do {                                                                                           \
        UA_##TYPE value = __VA_ARGS__;                                                             \
        add(name, attributes(name, &UA_TYPES[INDEX_##TYPE], &value, 0), UA_NS0ID_BASEDATAVARIABLETYPE); \
    } while (0)
#define ARRAY(name, TYPE, ...)                                                                     \
    do {                                                                                           \
        UA_##TYPE values[] = __VA_ARGS__;                                                          \
        add(name, attributes(name, &UA_TYPES[INDEX_##TYPE], values, sizeof values / sizeof values[0]),  \
            UA_NS0ID_BASEDATAVARIABLETYPE);                                                        \
    } while (0)
#define INDEX_Boolean UA_TYPES_BOOLEAN
#define INDEX_SByte UA_TYPES_SBYTE
#define INDEX_Byte UA_TYPES_BYTE
#define INDEX_Int16 UA_TYPES_INT16
#define INDEX_UInt16 UA_TYPES_UINT16
#define INDEX_Int32 UA_TYPES_INT32
#define INDEX_UInt32 UA_TYPES_UINT32
#define INDEX_Int64 UA_TYPES_INT64
#define INDEX_UInt64 UA_TYPES_UINT64
#define INDEX_Float UA_TYPES_FLOAT
#define INDEX_Double UA_TYPES_DOUBLE
#define INDEX_String UA_TYPES_STRING
#define INDEX_DateTime UA_TYPES_DATETIME
#define INDEX_Guid UA_TYPES_GUID
#define INDEX_ByteString UA_TYPES_BYTESTRING
#define INDEX_LocalizedText UA_TYPES_LOCALIZEDTEXT
#define INDEX_QualifiedName UA_TYPES_QUALIFIEDNAME
#define INDEX_StatusCode UA_TYPES_STATUSCODE
#define INDEX_NodeId UA_TYPES_NODEID

static void add_typed(void)
{
    SCALAR("Boolean", Boolean, true);
    SCALAR("SByte", SByte, -8);
    SCALAR("Byte", Byte, 200);
    SCALAR("Int16", Int16, -1600);
    SCALAR("UInt16", UInt16, 65000);
    SCALAR("Int32", Int32, -2000000000);
    SCALAR("UInt32", UInt32, 4000000000u);
    SCALAR("Int64", Int64, -((UA_Int64)1 << 60) - 1);
    SCALAR("UInt64", UInt64, ((UA_UInt64)1 << 63) + 1);
    SCALAR("Float", Float, 1.5f);
    SCALAR("Double", Double, 2.25);
    SCALAR("String", String, UA_STRING("gr\xc3\xbcn"));
    SCALAR("DateTime", DateTime, UA_DATETIME_UNIX_EPOCH);
    SCALAR("Guid", Guid, {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}});
    SCALAR("ByteString", ByteString, UA_BYTESTRING("abc"));
    SCALAR("LocalizedText", LocalizedText, UA_LOCALIZEDTEXT("en", "running"));
    SCALAR("QualifiedName", QualifiedName, UA_QUALIFIEDNAME(0, "named"));
    SCALAR("StatusCode", StatusCode, UA_STATUSCODE_BADOUTOFSERVICE);
    SCALAR("NodeId", NodeId, UA_NODEID_NUMERIC(0, 85));
    ARRAY("BooleanArray", Boolean, {true, false, true});
    ARRAY("Int32Array", Int32, {1, -2, 3});
    ARRAY("DoubleArray", Double, {0.5, 1.5});
    ARRAY("StringArray", String, {UA_STRING("one"), UA_STRING("two")});
}

static void property(const char *of, const char *name, const UA_DataType *type, void *value)
{
    UA_QualifiedName path = UA_QUALIFIEDNAME(0, (char *)name);
    UA_BrowsePathResult found = UA_Server_browseSimplifiedBrowsePath(server, named(of), 1, &path);
    UA_VariableAttributes made = attributes(name, type, value, 0);

    made.accessLevel = UA_ACCESSLEVELMASK_READ;
    if (found.targetsSize)
        must(UA_Server_writeValue(server, found.targets[0].targetId.nodeId, made.value), name);
    else
        must(UA_Server_addVariableNode(server, UA_NODEID_NULL, named(of), UA_NODEID_NUMERIC(0, UA_NS0ID_HASPROPERTY), path,
                                       UA_NODEID_NUMERIC(0, UA_NS0ID_PROPERTYTYPE), made, NULL, NULL), name);
    UA_BrowsePathResult_clear(&found);
}

/* An analog item; its unit by the code of UNECE Recommendation 20 as OPC UA part 8 numbers it. */
static void add_analog(const char *name, double value, double low, double high, int unit, const char *sign)
{
    UA_Range range = {low, high};
    UA_EUInformation units;

    UA_EUInformation_init(&units);
    units.namespaceUri = UA_STRING("http://www.opcfoundation.org/UA/units/un/cefact");
    units.unitId = unit;
    units.displayName = UA_LOCALIZEDTEXT("en", (char *)sign);
    add(name, attributes(name, &UA_TYPES[UA_TYPES_DOUBLE], &value, 0), UA_NS0ID_ANALOGITEMTYPE);
    property(name, "EURange", &UA_TYPES[UA_TYPES_RANGE], &range);
    property(name, "EngineeringUnits", &UA_TYPES[UA_TYPES_EUINFORMATION], &units);
}

static UA_StatusCode shown(UA_Server *of, const UA_NodeId *session, void *session_context, const UA_NodeId *node,
                           void *context, UA_Boolean stamped, const UA_NumericRange *range, UA_DataValue *value)
{
    UA_Double number = 5.0;
    (void)of, (void)session, (void)session_context, (void)node, (void)context, (void)range;
    value->hasValue = true;
    value->hasSourceTimestamp = stamped;
    value->sourceTimestamp = UA_DateTime_now();
    return UA_Variant_setScalarCopy(&value->value, &number, &UA_TYPES[UA_TYPES_DOUBLE]);
}

static UA_StatusCode answered(UA_Server *of, const UA_NodeId *session, void *session_context, const UA_NodeId *node,
                              void *context, const UA_NumericRange *range, const UA_DataValue *value)
{
    (void)of, (void)session, (void)session_context, (void)node, (void)range, (void)value;
    writes_count++;
    return (UA_StatusCode)(uintptr_t)context;
}

/* Shows 5 whatever is written: Deaf says yes to it, Refuses says no. */
static void add_answering(const char *name, UA_StatusCode answer)
{
    UA_Double number = 0.0;
    UA_DataSource source = {shown, answered};
    UA_VariableAttributes made = attributes(name, &UA_TYPES[UA_TYPES_DOUBLE], &number, 0);

    UA_Variant_init(&made.value);
    must(UA_Server_addDataSourceVariableNode(server, named(name), folder, UA_NODEID_NUMERIC(0, UA_NS0ID_HASCOMPONENT),
                                             UA_QUALIFIEDNAME(plant, (char *)name),
                                             UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE), made, source,
                                             (void *)(uintptr_t)answer, NULL), name);
}

static void write_number(const char *name, double number, UA_StatusCode status, double age_s)
{
    UA_DataValue value;

    UA_DataValue_init(&value);
    UA_Variant_setScalar(&value.value, &number, &UA_TYPES[UA_TYPES_DOUBLE]);
    value.hasValue = true;
    value.status = status;
    value.hasStatus = status != UA_STATUSCODE_GOOD;
    value.sourceTimestamp = UA_DateTime_now() - (UA_DateTime)(age_s * UA_DATETIME_SEC);
    value.hasSourceTimestamp = true;
    own_write = 1;
    must(UA_Server_writeDataValue(server, named(name), value), name);
    own_write = 0;
}

static void count_on(UA_Server *of, void *data)
{
    static double tenths;
    char name[32];

    (void)of, (void)data;
    tenths++;
    for (int n = 0; n < many; n++) {
        snprintf(name, sizeof name, "Many%d", n);
        write_number(name, tenths + n, UA_STATUSCODE_GOOD, 0.0);
    }
}

static void add_all(void)
{
    UA_ObjectAttributes object = UA_ObjectAttributes_default;
    char name[32];

    object.displayName = UA_LOCALIZEDTEXT("en", "Plant");
    must(UA_Server_addObjectNode(server, named("Plant"), UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER),
                                 UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES), UA_QUALIFIEDNAME(plant, "Plant"),
                                 UA_NODEID_NUMERIC(0, UA_NS0ID_BASEOBJECTTYPE), object, NULL, &folder), "Plant");
    add_typed();
    add_analog("Temperature", 42.5, 0.0, 120.0, 4408652, "\xc2\xb0" "C");
    add_analog("Pump", 80.0, 10.0, 100.0, 20529, "%");
    add_answering("Deaf", UA_STATUSCODE_GOOD);
    add_answering("Refuses", UA_STATUSCODE_BADOUTOFRANGE);
    UA_Double value = 1.0;
    UA_VariableAttributes fixed = attributes("ReadOnly", &UA_TYPES[UA_TYPES_DOUBLE], &value, 0);
    fixed.accessLevel = UA_ACCESSLEVELMASK_READ;
    add("ReadOnly", fixed, UA_NS0ID_BASEDATAVARIABLETYPE);
    fixed = attributes("Hidden", &UA_TYPES[UA_TYPES_DOUBLE], &value, 0);
    fixed.accessLevel = 0;
    add("Hidden", fixed, UA_NS0ID_BASEDATAVARIABLETYPE);
    for (int n = 0; n < many; n++) {
        snprintf(name, sizeof name, "Many%d", n);
        SCALAR(name, Double, (double)n);
    }
}

/* -- what it is told ----------------------------------------------------------------------------------- */

static void kill_sessions(void)
{
    while (sessions_count) {
        UA_NodeId *session = &sessions[--sessions_count];
        UA_Server_closeSession(server, session);
        UA_NodeId_clear(session);
    }
}

static void obey(char *line)
{
    char name[64];
    double number, age_s = 0.0;
    unsigned status = 0;

    if (sscanf(line, "set %63s %lf %x %lf", name, &number, &status, &age_s) >= 2) {
        write_number(name, number, status, age_s);
        fputs("ok\n", said);
    } else if (sscanf(line, "get %63s", name) == 1) {
        UA_Variant value;
        must(UA_Server_readValue(server, named(name), &value), name);
        fprintf(said, "%.17g\n", UA_Variant_hasScalarType(&value, &UA_TYPES[UA_TYPES_DOUBLE]) ? *(UA_Double *)value.data : 0.0);
        UA_Variant_clear(&value);
    } else if (strcmp(line, "writes") == 0) {
        fprintf(said, "%lu\n", writes_count);
    } else if (strcmp(line, "kill") == 0) {
        kill_sessions();
        fputs("ok\n", said);
    } else {
        fputs("unknown\n", said);
    }
    fflush(said);
}

/* Takes what stands in standard input; 0 when it is closed. */
static int listen_to_orders(void)
{
    static char text[4096];
    static size_t length;
    ssize_t got = read(0, text + length, sizeof text - length - 1);

    if (got == 0)
        return 0;
    length += got > 0 ? (size_t)got : 0;
    text[length] = 0;
    for (char *end; (end = strchr(text, '\n')); length = strlen(text)) {
        *end = 0;
        obey(text);
        memmove(text, end + 1, strlen(end + 1) + 1);
    }
    return 1;
}

int main(int count, char **words)
{
    int port = atoi(word(count, words, "port", "4840")), limit = atoi(word(count, words, "limit", "0"));
    double slowest_ms = atof(word(count, words, "slowest_ms", "0"));

    said = fdopen(dup(1), "w");
    dup2(2, 1);
    many = atoi(word(count, words, "many", "300"));
    server = UA_Server_new();
    UA_ServerConfig *config = UA_Server_getConfig(server);
    secure(config, port, count, words);
    config->maxNodesPerRead = config->maxNodesPerWrite = config->maxMonitoredItemsPerCall = (UA_UInt32)limit;
    config->publishingIntervalLimits.min = slowest_ms > 0 ? slowest_ms : 20.0;
    config->samplingIntervalLimits.min = slowest_ms > 0 ? slowest_ms : 20.0;
    if (strcmp(word(count, words, "order", ""), "other") == 0)
        UA_Server_addNamespace(server, OTHER_URI);
    plant = UA_Server_addNamespace(server, PLANT_URI);
    UA_Server_addNamespace(server, OTHER_URI);
    add_all();
    must(UA_Server_addRepeatedCallback(server, count_on, NULL, 100.0, NULL), "clock");
    must(UA_Server_run_startup(server), "start");
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    fputs("ready\n", said);
    fflush(said);
    while (listen_to_orders())
        UA_Server_run_iterate(server, true);
    UA_Server_run_shutdown(server);
    UA_Server_delete(server);
    return 0;
}
