"""Choose which characters a compact font holds, and in which order its glyphs stand.

A subset keeps a glyph's place, and every empty place before the last one costs time and bytes. So the characters that
our own forms and letters are made of come first, with what Chinese texts and names are full of; then the rest of
GB 2312 in its own order (the common level, then the other).
"""

# The forms' labels, the letters' sentences, the trade's words, common characters and surnames.
_FIRST = (
    "一丁万三上下不与专且世业东丝两严个中丰临丹为主么义之乔也书了予争事二于云五些交产京人什仇今介从他付代令以"
    "们件价任份企伍会传但位低住体何余佛作你使例依侧侯便保俞信修候倪值假做傅储像儿允元充先光克入全公兰共关兴其"
    "具内冉册再写军冯决况冷准几凤凭出击分切划列刘则创删利别到制刻前剪力办功加务动助励劳勾包化北匠匡区十华协卓"
    "单南占卢卫卯即却厂原去又及反发取受变口古只可台史右叶号司各合同名后向吕否听吴告员周命和咨品唐商器四回因围"
    "固国图在地场址坊型城基填增声壳壶处备复夏外多够大天太失头奖套女她好如始姓姚姜子孔字存孙孟季学宁它安宋完宗"
    "定宝实审宣室宫家容密寇对导封将小少尔尚尤就尹局居屈屏展属山岳崔嵌州工左巩己已市布帅师带席常平年并广庄庆序"
    "库应底店度康廖延建开弄式弟张强当录形彭待很律徐徒得德心必怀态思性总息悉您情惠想意感愿慕成我或战截戴户房所"
    "手才打执扫批承技把投护报担拉拜拨择持指按据授掐接描提插摆摘撤操支收改放政效敖教数整文斋料斯新方施无日早时"
    "昌明易是晏晚景晰晶暂曲更曹曾最月有服望朝期木未本术朱机权李材杜条来杨松构林果染柔柜查柯柳柴标栏样核根格桂"
    "案桑梁梅检棉椅榫槛樊次款止正此步武死段比毕毛毯民气水求江汤汪沃沈沙沟没治法注泰洪活流测济浦海润淀添清温港"
    "游源满漆潘澳灯炉点烧热焦然照熊燕片版牙牛牡物特状独玉王玛环现珊珐球琅理瑙瑚瓶瓷甘生用田由申电界疑登白的皮"
    "益监盒盖盘目直相看真眼着督知石码研确碗磨示礼社祝神票种科秦积称移程税稿穆空立站章童竹笔符第等答筝筹签简算"
    "管箱米类系红纪纳纸纹线组细织终经绑绒结给统绢绣继绩续绳维绸缎编网罗置美群翁翟翠老者而耿聂联股背胎胡能自至"
    "致舒色艺艾节芮花苏苗范荆草荷莫莲获菊营萧葛董蒋蒲蓝蔡薄薛藏虚行衡补表袁被裴西要见观规觉角解詹计认让议记许"
    "论设访证评识试诚话询该详说请诺读谢谭谷象贝财责账质购贷费贺贾资赖走赵起超路身车轩软载边达过运近返还这进连"
    "述退送选逐通造逾道邓邢那邮邰邱邵邹郎郑郝部郭都醒釉里重量金鉴錾钟钮钱铁铜银铺销锡镀镶长门闪问间闵闻阁阅阎"
    "队阮阳阶附陆陈限院除陶隆难集雍雕雷需霍非面靳韦韩页项顺顾预领题颜额风饰饶馆首马骆验骨高髹魏鱼鲁鲍鸟鹤麻黄"
    "黎鼎齐龙龚"
)
_SIGNS = (
    (0x20, 0x7E),  # ASCII
    (0xA0, 0x17F),  # Latin with marks
    (0x370, 0x3FF),  # Greek
    (0x400, 0x45F),  # Cyrillic
    (0x2000, 0x206F),  # dashes, quotation marks, spaces
    (0x20A0, 0x20BF),  # currencies
    (0x2100, 0x22FF),  # letter-like signs, numerals, arrows, mathematics
    (0x2460, 0x24FF),  # numbers in circles
    (0x25A0, 0x26FF),  # boxes, stars
    (0x3000, 0x303F),  # Chinese punctuation
    (0x3200, 0x33FF),  # months, units
    (0xFF00, 0xFFEF),  # full width
)
# What names and places are written with beyond GB 2312, each block a font of its own: a name needs one of them.
_RARE = (
    ((0x4E00, 0x9FFF),),
    ((0x3400, 0x4DBF),),
    ((0x20000, 0x3FFFF), (0xF900, 0xFAFF)),
)


_SPACES = (0x20, 0xA0, 0x3000)


def ordinary() -> list[int]:
    """GB 2312 and the blocks that Chinese papers take signs from; what is used most comes first."""
    ascii_, *others = (range(first, last + 1) for first, last in _SIGNS)
    punctuation = map(ord, "　、。《》〈〉「」【】（），：；！？“”‘’…—·〔〕．％－＋／①②③④⑤")
    signs = (code for block in others for code in block)
    return list(dict.fromkeys([*ascii_, *punctuation, *map(ord, _FIRST), *map(ord, _gb2312()), *signs]))


def rare(block: int) -> list[int]:
    """One of the three blocks, by its number from 0, without what is ordinary but for the blanks: a blank behind a rare
    character is set in the same font."""
    known = set(ordinary())
    codes = (code for first, last in _RARE[block] for code in range(first, last + 1))
    return [*_SPACES, *(code for code in codes if code not in known)]


def _gb2312() -> str:
    pairs = (bytes((high, low)) for high in range(0xA1, 0xF8) for low in range(0xA1, 0xFF))
    return "".join(pair.decode("gb2312", "ignore") for pair in pairs)
