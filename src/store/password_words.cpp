#include "password_words.hpp"

namespace quicksilver {

namespace {

constexpr std::string_view text = R"(
    password passwort passwd pass pwd passphrase kennwort secret geheim geheimnis clave contrasena motdepasse
    parola admin administrator administrateur root user username benutzer guest gast login logon signin access
    zugang test tester testing demo default change changeme temp temporary letmein enter open sesame master system
    server service support backup install setup computer laptop desktop internet network netzwerk windows linux
    debian ubuntu docker google apple microsoft oracle cisco samsung android iphone facebook twitter amazon router
    switch firewall database mysql postgres sqlite welcome willkommen bienvenue bienvenido hello hallo bonjour
    hola servus goodbye please thanks

    quicksilver mercure mercury dicom pacs hl7 fhir orthanc radiology radiologie radiologia radiologist radiologe
    xray xrays roentgen rontgen scanner scan mri mrt ct pet ultrasound mammo mammography imaging image images
    hospital hospitals klinik clinic clinical klinikum krankenhaus spital hopital doctor doktor arzt nurse pflege
    patient patients medical medizin medicine medic health healthcare gesundheit praxis surgery chirurgie oncology
    cardiology cardio neuro neurology station ward emergency notfall ambulance labor research forschung institut
    institute university universitaet campus nuclear contrast thorax chest abdomen brain knochen bone heart herz

    love liebe amor amour iloveyou lovely loveyou baby babe darling sweet sweetheart honey schatz schatzi angel
    engel princess prinzessin prince queen king kaiser queenie cutie kitty kitten puppy beauty beautiful pretty
    handsome sexy fuck fucking shit bitch ass asshole arsch arschloch scheisse mierda merde putain hell devil
    satan god jesus christ heaven blessed faith hope peace freedom freiheit forever always never nothing something
    whatever money geld dollar euro diamond gold golden silver platinum lucky winner success victory happy smile
    sunshine sunny rainbow flower flowers blume rose lily daisy cherry orange banana lemon peach pepper ginger
    cookie chocolate schokolade coffee kaffee cheese butter pizza pasta whiskey vodka beer bier wine

    monkey dragon tiger lion eagle falcon hawk wolf bear panda horse pferd dog doggy hund cat katze mouse maus
    rabbit hase bunny bird vogel fish fisch shark dolphin turtle snake spider scorpion butterfly phoenix unicorn
    mustang jaguar panther cobra viper raven buddy max bella luna charlie rocky simba molly

    superman batman spiderman ironman hulk joker robin avatar matrix starwars startrek vader skywalker yoda jedi
    pokemon pikachu naruto sonic mario zelda minecraft fortnite roblox nintendo playstation xbox gamer player
    killer hunter ninja samurai warrior soldier ranger knight wizard magic merlin gandalf hobbit potter hogwarts
    shadow ghost zombie vampire thunder lightning storm blaze fire feuer ice water wasser earth wind sky star
    stars stern moon mond sun sonne ocean river mountain berg forest wald garden garten

    football fussball soccer baseball basketball hockey tennis golf racing runner rugby cricket boxing karate
    yankees cowboys steelers eagles lakers bulls giants redsox liverpool manchester arsenal chelsea barcelona
    madrid juventus bayern muenchen munich dortmund borussia schalke hamburg werder hertha ferrari porsche
    mercedes bmw audi volkswagen toyota honda yamaha harley corvette camaro

    january february march april may june july august september october november december januar februar maerz mai
    juni juli oktober dezember enero febrero marzo abril mayo junio julio janvier fevrier mars avril juin juillet
    monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag
    sonntag spring summer autumn fall winter fruehling sommer herbst verano invierno ete hiver holiday holidays
    urlaub vacation ferien christmas weihnachten easter ostern birthday geburtstag today heute morning morgen
    night nacht

    black white red blue green yellow purple pink brown grey schwarz weiss rot blau gruen gelb rosa one two three
    four five six seven eight nine ten eins zwei drei vier fuenf hundred thousand million first second third
    number

    michael michelle jessica jennifer ashley amanda daniel daniela david matthew joshua andrew andrea anthony
    robert william james john johnny joseph thomas tom christopher chris christian christine christina nicole
    nicolas nathan samantha stephanie elizabeth melissa michaela alexander alexandra alex sandra sabine sebastian
    stefan stephan martin martina markus marcus peter petra paul paula anna anne hannah emma sophie sophia marie
    maria mary lisa laura lena julia julian jonas lukas lucas leon felix florian tobias benjamin ben jan jens
    klaus karl hans heinz juergen wolfgang monika ursula claudia sarah sara susan karen linda patricia barbara
    george charles edward henry harry jack jacob jake kevin brian eric steve steven mark frank richard ronald
    donald jordan taylor tyler morgan austin dallas carlos jose juan pedro miguel luis antonio francesco giuseppe
    giovanni pierre jean francois mohamed mohammed ali ahmed ivan olga natasha

    berlin koeln cologne frankfurt stuttgart leipzig dresden wien vienna zuerich zurich bern basel geneva paris
    london rome roma milano amsterdam brussels boston newyork york chicago houston texas florida california
    america usa england scotland ireland canada australia germany deutschland austria oesterreich schweiz
    switzerland france frankreich italia italy spain spanien mexico brazil brasil china japan india russia europe
    europa world welt city house haus home office buero school schule company firma team group family familie
    mother mutter mama mami father vater papa daddy mommy sister schwester brother bruder friend friends freund

    abc abcd abcdef qwerty qwertz azerty asdf yxcv zxcv trustno trust the and for you your my me is to not new old
    big little super mega ultra power magical cool crazy funny great best good bad top hot real true false yes no
)";

std::vector<std::string_view> split() {
    std::vector<std::string_view> words;
    for (std::string_view rest = text;;) {
        const std::size_t begin = rest.find_first_not_of(" \n");
        if (begin == std::string_view::npos) break;
        rest.remove_prefix(begin);
        const std::string_view word = rest.substr(0, rest.find_first_of(" \n"));
        words.push_back(word);
        rest.remove_prefix(word.size());
    }
    return words;
}

}  // namespace

const std::vector<std::string_view>& password_words() {
    static const std::vector<std::string_view> words = split();
    return words;
}

}  // namespace quicksilver
